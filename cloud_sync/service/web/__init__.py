"""Uvicorn for the ledger's pages and the station's panel, with limits on what strangers can hold open."""
