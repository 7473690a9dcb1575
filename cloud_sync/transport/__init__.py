"""Transport of messages: MQTT. Another broker protocol would be another file."""
