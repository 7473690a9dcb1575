"""What sees: cameras, change detection, and the waste model that names what was thrown in."""
