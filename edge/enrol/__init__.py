"""How a station enrols at its ledger: it asks by a code, and keeps what the ledger gives."""
