"""Converts checkpoints for CTranslate2; besides one engine, the only user of torch."""
