"""Turns a station's message into stored events and a signed receipt; the ledger's hot path."""
