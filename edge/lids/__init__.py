"""The process that moves the lids wired to the Pi's pins, its protocol, and the station's end of it."""
