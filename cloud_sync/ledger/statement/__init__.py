"""A household's statement: its page, lines, words and links."""
