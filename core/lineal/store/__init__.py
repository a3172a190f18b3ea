"""Bytes and their fingerprints."""
