"""ONNX Shrink for tpuc: an operator from import to chip, as a plugin."""
