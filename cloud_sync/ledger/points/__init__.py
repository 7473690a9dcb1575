"""Households, cards, accounts, transfers, and the settlement of each visit."""
