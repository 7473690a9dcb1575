"""One module a subcommand of `tongzhan`; scripts/cli.py lists them and imports the one that is called."""
