"""The station: everything that runs on the Pi."""
