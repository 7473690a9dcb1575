"""What an installer asks: is every part of this station there and well, and if not, what mends it."""
