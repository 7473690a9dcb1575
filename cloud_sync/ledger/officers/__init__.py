"""Who may enter the office, how they sign in, and how guessing is slowed down."""
