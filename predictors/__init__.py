"""The predictors: each a KServe V1 server of its own, `python -m predictors.NAME`."""
