"""A community moves to another ledger: closed here, written to a file, taken in there."""
