"""What a visit earns: the award rules, shared by station and ledger. Pure."""
