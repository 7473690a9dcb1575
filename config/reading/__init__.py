"""Reading what people write: files, hosts, names, TOML into typed records, and one line for each mistake."""
