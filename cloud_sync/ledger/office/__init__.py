"""What the community's office sees: what was set aside, what waits for a person, and who may look."""
