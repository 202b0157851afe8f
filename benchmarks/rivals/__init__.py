"""Other ways to serve the same work, each started by `benchmarks.servers`."""
