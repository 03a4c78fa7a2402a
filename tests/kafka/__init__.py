"""The worker on a real Apache Kafka: `make test-kafka`."""
