"""What travels between a station and its ledger: facts, envelopes, topics and cards' pseudonyms. Pure."""
