"""What `verify` looks at, one file a question. Each check gives a line for whatever is wrong, and goes on."""
