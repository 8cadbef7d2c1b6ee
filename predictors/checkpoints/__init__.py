"""What a checkpoint says of itself, read without torch."""
