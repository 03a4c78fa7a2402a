"""The Kafka host: the same agents on Faust. Only this package and `app.main` know Faust."""
