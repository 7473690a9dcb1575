"""Shared by all long-running processes: systemd notifications, the web server's limits, certificates."""
