"""What every long-running process of ours shares: systemd's notifications and the web server's limits."""
