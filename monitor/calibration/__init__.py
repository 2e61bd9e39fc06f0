"""The decision engine: when a drift is one, at a promised rate of false alarms.

channels → season → wobble → inflation → null (what a reference without drift says) → evidence → engine; the replay
and the gates say whether the promise can be made, the plan what can be found and how soon.
"""
