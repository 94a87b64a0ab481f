"""layer-group: which ops keep their tensors in local memory between them, and in which slices."""

from tpuc_bm1684x.passes.layer_group.layer_group import LayerGroup

__all__ = ["LayerGroup"]
