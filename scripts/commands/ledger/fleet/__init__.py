"""Commands about stations as they are now: what each says of itself, and its alarms."""
