"""Shared by all processes: threads, logs, atomic files, and the lines of native libraries."""
