"""Those parts of Go's libraries on which an answer of KServe's router depends."""
