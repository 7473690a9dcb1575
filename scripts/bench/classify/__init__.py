"""`tongzhan bench classify`."""
