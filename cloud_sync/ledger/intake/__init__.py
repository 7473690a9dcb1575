"""The hot path: from a station's message to stored events and a signed receipt."""
