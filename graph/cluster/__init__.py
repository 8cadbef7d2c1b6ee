"""What Parley does on a Kubernetes cluster: apply, look, wait, scale, delete."""
