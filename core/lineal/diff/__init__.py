"""Comparison of versions over every facet."""
