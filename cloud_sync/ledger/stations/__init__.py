"""Communities, their stations, and the events that stations sent."""
