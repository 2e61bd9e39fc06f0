"""Tables that lie in a bucket or a folder, Delta's and Iceberg's, as a source: read by their own logs."""
