"""The ledger as a web site: settings, URLs, the server, and pages that belong to no app."""
