"""markets/certification."""
