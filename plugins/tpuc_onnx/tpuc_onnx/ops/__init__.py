"""Importing ONNX nodes as `top` ops: one small function an operator, one file a family."""
