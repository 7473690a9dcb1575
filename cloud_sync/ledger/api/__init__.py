"""The ledger's HTTPS API, below /api/v1/: each room has its own router, `routes.py` lists them."""
