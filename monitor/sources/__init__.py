"""Where records come from: every source turns positions into batches, and decides nothing."""
