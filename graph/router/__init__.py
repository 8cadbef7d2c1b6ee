"""One request through an InferenceGraph, as KServe's router walks it, and its HTTP server."""
