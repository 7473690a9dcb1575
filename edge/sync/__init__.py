"""The process that delivers the journal's events to the ledger and notes its receipts."""
