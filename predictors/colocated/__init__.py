"""Several predictors in one process."""
