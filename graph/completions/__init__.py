"""OpenAI's chat completions: requests, answers, streams and errors."""
