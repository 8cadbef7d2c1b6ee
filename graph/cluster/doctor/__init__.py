"""What a cluster needs for graphs and services, looked at one by one, each with its fix."""
