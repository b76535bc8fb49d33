"""equigrid."""
