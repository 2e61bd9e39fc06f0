"""Log records of OpenTelemetry as records: read from OTLP, and mapped by the names of their attributes."""
