"""Officers' commands to stations: made by a person, sent by a worker, answered by the station."""
