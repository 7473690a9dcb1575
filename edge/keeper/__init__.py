"""The keeper: a small process of its own that holds the lids' pins and leases, so that no station can."""
