"""markets/bilevel."""
