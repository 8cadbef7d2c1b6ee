"""A YAML file run in this process: predictors and router together."""
