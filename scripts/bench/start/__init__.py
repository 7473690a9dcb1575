"""`tongzhan bench start`: how soon a station is ready, and what its processes need at rest."""
