"""markets/turns."""
