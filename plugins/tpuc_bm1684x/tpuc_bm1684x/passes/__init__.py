"""The chip's passes, from a lowered model to the file."""
