"""Commands about the ledger's API."""
