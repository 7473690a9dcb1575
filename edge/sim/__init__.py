"""The simulated world at the station's rim: time, lids, bins, cameras and the people who use them."""
