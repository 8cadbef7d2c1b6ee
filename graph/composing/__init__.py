"""The parts of `graph.compose`: a graph and its services, from Python to Kubernetes objects."""
