"""SQLite: Django loads `base` by name."""
