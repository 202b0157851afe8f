"""What is gathered when Prometheus asks, beside what `auth_api.metrics` has counted by then."""
