"""What `tongzhan bench ledger` is made of: places to settle in, bare SQL to compare with, a stock of rows."""
