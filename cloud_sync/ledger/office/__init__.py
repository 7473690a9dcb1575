"""The community office: its pages, and what people decide there."""
