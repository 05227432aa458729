"""Text to facts: places and amounts of money."""
