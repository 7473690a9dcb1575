"""The communities of a town: their facts, the history of changes, and their own sorting."""
