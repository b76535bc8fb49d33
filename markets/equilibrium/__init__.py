"""markets/equilibrium."""
