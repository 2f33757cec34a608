"""The figures of a day for Prometheus: one module a subject, each with its ``METRICS`` and ``measure``."""
