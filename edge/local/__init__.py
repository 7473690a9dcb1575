"""Sockets between a station's own processes: whole packets, one client at a time, no blocking sends."""
