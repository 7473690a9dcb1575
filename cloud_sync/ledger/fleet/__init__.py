"""Stations as their own messages show them: what each says of itself, its readings over a year."""
