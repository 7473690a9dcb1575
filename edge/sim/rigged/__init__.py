"""A simulated place whose lids and readers belong to a microcontroller's program."""
