"""The second factor of officers: codes from a phone, and recovery codes for a phone that was lost."""
