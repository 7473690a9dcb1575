"""The community office: its pages, what people decide there, and who may sign in."""
