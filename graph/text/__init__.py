"""A text as it is translated: its sentences, and what is kept as it is."""
