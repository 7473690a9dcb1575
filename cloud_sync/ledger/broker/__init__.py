"""A guarded mosquitto made from what the ledger knows: who may connect, and what each may say and hear."""
