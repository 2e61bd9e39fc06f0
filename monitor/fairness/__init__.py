"""How differently a model treats groups of records: one measure a file, each with an interval and a least count."""
