"""The simulated world around a station: time, lids, bins, cameras and people."""
