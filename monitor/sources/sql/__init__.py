"""A table of a database as a source: read forward by a key that only grows, and never written to."""
