"""The link to a microcontroller: frames, numbered messages, and the host's side of it. Pure."""
