"""What comes down from the ledger by version: fetched, checked, kept as a whole, given to the loop."""
