"""The hash chain over transfers and the audit that proves it, with the sums, from the rows alone."""
