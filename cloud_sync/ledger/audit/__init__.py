"""Who did what, and why: every write of a person goes through one function, and leaves a row that stays."""
