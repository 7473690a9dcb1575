"""The station's one thread: its inbox, timers, workers and watchdog. The only owner of state."""
