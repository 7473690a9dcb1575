"""The things that simulated residents throw, and how a simulated camera sees them."""
