"""The hash chain over transfers, and the audit that checks it and all sums from the rows alone."""
