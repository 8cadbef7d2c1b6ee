"""Rules that find mistakes in an InferenceGraph, most of which KServe accepts."""
