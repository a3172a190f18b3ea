"""Authored facts: append-only, hash-chained events in a store, ordered by compare-and-set."""
