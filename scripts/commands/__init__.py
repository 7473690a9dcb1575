"""One module for each subcommand of `tongzhan`; scripts/cli.py imports the one that is called."""
