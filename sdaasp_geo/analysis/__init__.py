"""Stage 4: pure functions from tables and times to figures."""
