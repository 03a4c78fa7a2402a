"""The Kafka host without a broker: what it leans on, and each of its parts alone."""
