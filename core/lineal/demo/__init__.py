"""Builds the demo workspace out of real registries."""
