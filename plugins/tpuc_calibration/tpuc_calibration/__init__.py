"""Calibration: what values a network's tensors take on sample inputs, and where to clip them for 8 bits."""
