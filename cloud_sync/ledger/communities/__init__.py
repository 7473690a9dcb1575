"""The communities of a town: what each is, who changed that, and its own sorting."""
