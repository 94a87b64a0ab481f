"""Runs a lowered model op by op on whole arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tpuc_abacus import arithmetic
from tpuc_core.ir import Model, is_weight, shape_of, tensor_name
from tpuc_core.session import TensorInfo, Tensors


class Interpreter:
    """See tpuc_core.session.Session."""

    def __init__(self, model: Model):
        self.model = model
        self.inputs = [TensorInfo(tensor_name(op.results[0]), shape_of(op.results[0])) for op in model.inputs]
        self.outputs = [TensorInfo(tensor_name(value), shape_of(value)) for value in model.outputs]

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        values = {info.name: np.asarray(inputs[info.name], np.float32) for info in self.inputs}
        for op in self.model.ops():
            operands = [self.model.weight(v) if is_weight(v) else values[tensor_name(v)] for v in op.operands]
            result = op.results[0]
            match op.name.removeprefix("abacus."):
                case "Dense":
                    array = arithmetic.dense(*operands)
                case "Relu":
                    array = arithmetic.relu(*operands)
                case "Add":
                    array = arithmetic.add(*operands)
                case _:
                    array = operands[0].reshape(shape_of(result))
            values[tensor_name(result)] = array
        return values if all_tensors else {info.name: values[info.name] for info in self.outputs}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        return map(self.run, batches)
