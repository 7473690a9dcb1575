"""The demo's own page: a strip that shows and breaks what is simulated, with the panel in a frame below."""
