"""Uvicorn for the ledger's pages and the station's panel, with bounds on what a stranger can hold open."""
