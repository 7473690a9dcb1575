"""The ledger as a web site: settings, addresses, the server, and pages that belong to no app."""
