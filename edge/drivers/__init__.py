"""The real devices of a station: one file a device library, and the pure rules those files go by."""
