"""Households and their cards."""
