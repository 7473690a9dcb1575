"""The kinds of card readers: one file each, with a `KIND`. A file put here is a new kind, nothing else is."""
