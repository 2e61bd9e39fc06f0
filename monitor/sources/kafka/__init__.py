"""A topic of Kafka as a source: read by positions of our own, without a group, and never written to."""
