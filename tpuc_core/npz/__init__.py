"""Tensors in npz files: read, write, show, compare, edit."""

from tpuc_core.npz.archive import load_npz, save_npz, tensor_of
from tpuc_core.npz.compare import Report, TensorComparison, Tolerance, Verdict, compare
from tpuc_core.npz.dump import describe, list_lines, top_k_lines
from tpuc_core.npz.npy import load_npy, read_npy

__all__ = ["Report", "TensorComparison", "Tolerance", "Verdict", "compare", "describe", "list_lines", "load_npy",
           "load_npz", "read_npy", "save_npz", "tensor_of", "top_k_lines"]
