"""`tongzhan station check`: whether each part of the station is there and works, and how to fix it."""
