"""OpenAI's API before an InferenceGraph; answers are translated while they are written."""
