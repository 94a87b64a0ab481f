"""Converters of layers, by family."""
