"""The parts of `tongzhan bench ledger`: databases to settle in, bare SQL to compare with, a stock of rows."""
