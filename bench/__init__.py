"""One script for each promise of speed, size or memory."""
