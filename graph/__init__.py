"""The graph: contract, router, lint, local runner, cluster, client and command line."""
