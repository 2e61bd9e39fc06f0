"""Labelled incidents on real sets: the share of causes named right, and of faults that passed for a change."""
