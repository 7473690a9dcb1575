"""The office's pages about stations."""
