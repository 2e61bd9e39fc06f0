"""The drift bench: how often the engine pages where nothing drifts, and how soon it finds what does.

sheet (rows of columns, by step) ← worlds (simulated) and real (sets from packages, shuffled) → faults → count (frozen
bins) → referee (the engine, step by step) → streams (which are judged) → figures (rates with intervals) → page.
"""
