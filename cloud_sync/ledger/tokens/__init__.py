"""Tokens by which programs read stations, alarms and balances over the API."""
