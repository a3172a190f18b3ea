"""Bounded parsers of foreign files; nothing is ever executed."""
