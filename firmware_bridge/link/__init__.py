"""The host's side of the link to a microcontroller: frames and numbered messages. Pure."""
