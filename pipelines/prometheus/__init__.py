"""Everything that knows Prometheus: its HTTP interface, its wire format, and what its series mean."""
