"""What the community's office sees: what was set aside, what waits, what is owed, and who may come in."""
