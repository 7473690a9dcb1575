"""Who lives around a simulated station, what they mean to do, and how they behave."""
