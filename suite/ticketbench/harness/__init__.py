"""The harness: makes rows."""
