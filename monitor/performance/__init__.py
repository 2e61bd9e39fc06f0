"""How well a model does: one metric a file, each a pure function of predictions and their targets, with an interval."""
