"""What each visit is settled at: the rules, what they read, and what they would have given."""
