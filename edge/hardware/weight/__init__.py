"""A bin's scale: turns weights into deposits, and finds faults of the scale."""
