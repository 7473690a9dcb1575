"""The database below the models: the hot path's SQL, triggers, engines, backups and upgrades."""
