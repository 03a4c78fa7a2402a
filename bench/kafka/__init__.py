"""Benchmarks on a real Kafka. Nothing is imported here: contestants of other environments come through this package."""
