"""What a person runs: the `tongzhan` command, `scripts/demo`, `scripts/test` and benchmarks."""
