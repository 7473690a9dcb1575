"""What simulated residents throw, and how a simulated camera sees it."""
