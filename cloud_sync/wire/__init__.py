"""What a station and its ledger exchange: facts, envelopes, topics and card pseudonyms. Pure."""
