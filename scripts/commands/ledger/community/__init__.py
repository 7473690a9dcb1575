"""Commands about communities: what each is, and how one moves to another ledger."""
