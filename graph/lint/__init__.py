"""What is wrong with an InferenceGraph although KServe accepts it."""
