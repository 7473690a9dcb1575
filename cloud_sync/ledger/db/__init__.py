"""The database beneath the models: the hot path's SQL, triggers, engines, backups and upgrades."""
