"""What a predictor accepts, who is next, and what an engine is given at once."""
