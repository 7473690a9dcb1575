"""What the panel shows, as values: composed by the station, written to a folder in memory."""
