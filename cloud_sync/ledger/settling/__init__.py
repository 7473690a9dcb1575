"""Settle visits: date them, price them by the award rules, and preview other rules."""
