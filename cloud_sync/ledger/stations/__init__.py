"""Communities, their stations, and every event that a station sent."""
