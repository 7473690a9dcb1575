"""Serial lines between the Pi and its microcontrollers and card readers."""
