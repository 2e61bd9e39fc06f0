"""What a model's performance probably is before its targets are known.

A classifier's own scores, calibrated on the reference, say what its confusion matrix will be (confidence-based
estimation); a regression's loss is foretold from its features. Both hold while the target depends on scores or
features as it did in the reference: no estimate sees concept drift, and each says so as soon as targets do.
"""
