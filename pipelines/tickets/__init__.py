"""Tickets as a reconciled state: the list is what should be, the tracker what is, each run converges."""
