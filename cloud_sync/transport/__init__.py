"""How messages travel: MQTT. Another broker protocol would be another file."""
