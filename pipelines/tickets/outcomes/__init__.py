"""What became of closed tickets: read from the tracker, decided by rules, kept as raw_outcomes."""
