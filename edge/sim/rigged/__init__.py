"""A simulated place whose lids and readers hang on a microcontroller's program."""
