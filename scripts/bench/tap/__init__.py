"""`tongzhan bench tap`."""
