"""The people around a simulated station: who they are, what they plan, how they behave."""
