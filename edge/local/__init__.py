"""Sockets between a station's own processes: whole packets, one client at a time, nobody waits."""
