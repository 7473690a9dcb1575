"""Many simulated stations for `tongzhan bench fleet`: raw signed batches over real MQTT connections."""
