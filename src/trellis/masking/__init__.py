"""Layer 4: masks that allow exactly the tokens after which some completion exists."""
