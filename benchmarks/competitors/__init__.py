"""What this library is measured against, one module each; see `benchmarks.competitor`."""
