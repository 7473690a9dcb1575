"""The station's screen and the installer's page: a separate process that only reads."""
