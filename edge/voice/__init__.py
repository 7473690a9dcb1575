"""The station's voice."""
