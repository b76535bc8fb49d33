"""markets/exchange."""
