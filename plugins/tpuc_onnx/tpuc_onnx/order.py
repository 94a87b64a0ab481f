"""The order of nodes in a graph that was changed."""

from __future__ import annotations

import onnx


def order_of(model: onnx.ModelProto) -> dict[str, int]:
    """The place of the node that makes a tensor."""
    return {name: index for index, node in enumerate(model.graph.node) for name in node.output if name}


def restore_order(model: onnx.ModelProto, order: dict[str, int]) -> None:
    """Sort nodes by the place that their outputs had, each after what it reads; new nodes come directly before their reader."""
    makers = {name: i for i, node in enumerate(model.graph.node) for name in node.output if name}
    nodes, placed = list(model.graph.node), set()
    sorted_nodes: list[onnx.NodeProto] = []

    def place(root: int) -> None:
        stack = [root]
        while stack:
            index = stack[-1]
            waiting = [makers[n] for n in nodes[index].input if n in makers and makers[n] not in placed]
            if index not in placed and waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            if index not in placed:
                placed.add(index)
                sorted_nodes.append(nodes[index])

    known = [i for i, node in enumerate(nodes) if node.output[0] in order]
    for index in [*sorted(known, key=lambda i: order[nodes[i].output[0]]), *range(len(nodes))]:
        place(index)
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in sorted_nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
