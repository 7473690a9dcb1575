"""What speaks."""
