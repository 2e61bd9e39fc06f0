"""One cycle of a model: read, window, profile, judge, alert, act; the only place where stages meet the store."""
