"""What the ledger publishes to stations by version: who changed it, the signed bytes, the notice."""
