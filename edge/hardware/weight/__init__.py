"""A bin's scale: weights into changes, and whether the scale can be believed."""
