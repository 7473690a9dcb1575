"""On the wire between the Pi and what speaks serial."""
