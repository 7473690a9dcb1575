"""On the Pi: the station."""
