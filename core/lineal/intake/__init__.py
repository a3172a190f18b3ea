"""Versions of other registries brought into the store, and what that would save."""
