"""The visit: a pure state machine, its openings, deposits and access. No thread, clock, library or device."""
