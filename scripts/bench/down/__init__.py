"""`tongzhan bench down`: from a click at the ledger to what stations know of it."""
