"""The journal: visits, awards and outbox rows in one SQLite file that survives power cuts."""
