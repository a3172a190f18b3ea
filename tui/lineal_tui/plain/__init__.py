"""Text mode: the same screens read as lines of text, for screen readers and for terminals that can do nothing."""
