"""Objects of a bucket, or files that are written once, as a source."""
