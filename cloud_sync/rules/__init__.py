"""The award rules: what a visit earns. Shared by station and ledger. Pure."""
