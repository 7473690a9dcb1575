"""Read what people write (files, hosts, names, TOML) into typed records; report a mistake in one line."""
