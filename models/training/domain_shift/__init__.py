"""How a model does on photos of sources it never saw."""
