"""The command line: one module a group of commands; the parser is in ``pipelines.cli``."""
