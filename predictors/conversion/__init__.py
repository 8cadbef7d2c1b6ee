"""Converts checkpoints for CTranslate2, with torch."""
