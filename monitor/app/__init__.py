"""The composition root: a daemon built from a config, started, supervised, reloaded, stopped."""
