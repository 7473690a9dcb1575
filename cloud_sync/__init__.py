"""The way to the cloud, and the cloud."""
