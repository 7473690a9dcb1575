"""The soak: random faults against the whole system, then a check of every point, behind `tongzhan soak`."""
