"""What a station asks of the ledger over HTTPS."""
