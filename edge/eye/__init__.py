"""The eye: cameras, change detection, and the waste model that names each deposit."""
