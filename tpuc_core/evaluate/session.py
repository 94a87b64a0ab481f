"""A model of `top` ops as a session, for whoever runs models without caring which kind they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tpuc_core.evaluate.evaluator import Evaluator
from tpuc_core.ir import Model, shape_of, tensor_name
from tpuc_core.run_mlir import picture_attributes
from tpuc_core.session import TensorInfo, Tensors
from tpuc_core.threads import map_ahead


class FloatSession:
    """Evaluates a model in float32. `preprocessing` is what its first input says about images: attributes of
    top.Input, or None where it takes none."""

    def __init__(self, model: Model):
        self._evaluator = Evaluator(model)
        self.inputs = [TensorInfo(name, shape) for name, shape in self._evaluator.inputs.items()]
        self.outputs = [TensorInfo(tensor_name(value), shape_of(value)) for value in model.outputs]
        self.preprocessing = picture_attributes(model)

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """The outputs, or every tensor; always float32. A single input may go by any name."""
        return self._evaluator.run(self._named(inputs), keep=None if all_tensors else self._evaluator.outputs)

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs, in order; several are evaluated at a time."""
        return map_ahead(self.run, batches)

    def _named(self, inputs: Tensors) -> Tensors:
        if len(self.inputs) == 1 and len(inputs) == 1:
            return {self.inputs[0].name: next(iter(inputs.values()))}
        return inputs
