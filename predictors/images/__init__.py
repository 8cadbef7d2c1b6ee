"""Builds the images of the predictors."""
