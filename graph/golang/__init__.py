"""What Go's libraries do, where an answer of KServe's router depends on it."""
