"""Benchmarks: each is one command (``make bench-NAME``) that prints JSON lines with a ratio against a named peer."""
