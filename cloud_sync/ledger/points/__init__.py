"""Households, cards, accounts, transfers, and what each visit was settled at."""
