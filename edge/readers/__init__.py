"""Card readers: bytes or bits in, taps with a card's pseudonym out. One file a kind of connection."""
