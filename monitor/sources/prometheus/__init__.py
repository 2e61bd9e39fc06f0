"""The model server's own metrics, scraped: what it used stands beside what its records say."""
