"""The demo: a whole station and its ledger on one machine, behind `tongzhan demo`."""
