"""Configure mosquitto from the ledger: who may connect, and what each may publish and read."""
