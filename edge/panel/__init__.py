"""The station's own screen and the installer's page: a process of its own that only reads."""
