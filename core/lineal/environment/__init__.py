"""Environments of training runs and how their differences matter."""
