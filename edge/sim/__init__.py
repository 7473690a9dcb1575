"""The simulated world at the station's hardware: time, lids, bins, cameras and the people who use them."""
