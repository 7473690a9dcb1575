"""PostgreSQL: Django loads `base` by name."""
