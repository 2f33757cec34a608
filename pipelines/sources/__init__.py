"""Doors to what hosts report: each module here that defines ``Options`` is a kind of source."""
