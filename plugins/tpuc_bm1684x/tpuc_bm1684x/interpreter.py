"""The interpreter of the tpu dialect: every op's chip kernel on whole arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from xdsl.ir import SSAValue

from tpuc_bm1684x.bmodel.content import NUMPY_TYPES
from tpuc_bm1684x.ends import net_input
from tpuc_bm1684x.host_ops import host_op
from tpuc_bm1684x.kernels import GlobalKernel, HostKernel, LocalKernel, Slice, kernel_for
from tpuc_bm1684x.kernels.array_engine import ArrayEngine
from tpuc_bm1684x.kernels.base import Kernel, global_view
from tpuc_bm1684x.kernels.constants import STORAGE, Form, typed
from tpuc_bm1684x.kernels.engine import Rows
from tpuc_bm1684x.simulator.quantize import dequantized, stored
from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, State, is_weight, quantization_of, shape_of, storage_of, tensor_name
from tpuc_core.run_mlir import preprocessing_of
from tpuc_core.session import TensorInfo, Tensors

Step = Callable[[dict[str, np.ndarray]], None]


def tensor_info(value: SSAValue) -> TensorInfo:
    """Name, shape, type and quantization of a value."""
    quantization = quantization_of(value)
    scale, zero_point = (quantization.scale, quantization.zero_point) if quantization else (1.0, 0)
    return TensorInfo(tensor_name(value), tuple(shape_of(value)), STORAGE[storage_of(value)].name, scale, zero_point)


class Interpreter:
    """A session over a model in state TPU_LOWERED; constants are prepared once."""

    def __init__(self, model: Model):
        if model.state is not State.TPU_LOWERED:
            raise TpucError(f'the interpreter runs models in state TPU_LOWERED; "{model.name}" is {model.state}: give the file that lowering wrote')
        self.model = model
        self.inputs = [tensor_info(op.results[0]) for op in model.inputs]
        self.outputs = [tensor_info(value) for value in model.outputs]
        images = [preprocessing for _, preprocessing in preprocessing_of(model).values() if preprocessing is not None]
        self.preprocessing = images[0].attributes() if images else None
        self.values = [op.results[0] for op in model.inputs]
        self.constants: dict[str, np.ndarray] = {}
        self.steps: list[Step] = []
        for op in model.ops():
            self.values.append(op.results[0])
            self.steps.append(self._step(kernel_for(op)))

    def _step(self, kernel: Kernel) -> Step:
        for value in kernel.activations:
            if is_weight(value):
                self.constants[tensor_name(value)] = typed(self.model.weight(value), storage_of(value))
        if isinstance(kernel, LocalKernel):
            return _local_step(kernel, self.model)
        if isinstance(kernel, GlobalKernel):
            return _global_step(kernel)
        if isinstance(kernel, HostKernel):
            return self._host_step(kernel)
        source, name, shape = tensor_name(kernel.activations[0]), kernel.name, tuple(shape_of(kernel.out))

        def alias(tensors: dict[str, np.ndarray]) -> None:
            tensors[name] = tensors[source].reshape(shape)

        return alias

    def _host_step(self, kernel: HostKernel) -> Step:
        op = host_op(kernel.op)
        self.constants.update({tensor_name(v): self.model.weight(v) for v in kernel.op.operands if is_weight(v)})

        def step(tensors: dict[str, np.ndarray]) -> None:
            tensors[op.name] = op.run(tensors)

        return step

    def run(self, inputs: Tensors, *, all_tensors: bool = False, dequantize: bool = True) -> Tensors:
        """See tpuc_core.session.Session."""
        tensors = dict(self.constants)
        for op in self.model.inputs:
            tensor = net_input(op.results[0], 0)
            value = _given(inputs, tensor.name, alone=len(self.inputs) == 1 and len(inputs) == 1)
            tensors[tensor.name] = typed(stored(value, tensor), tensor.dtype)
        for step in self.steps:
            step(tensors)
        wanted = self.values if all_tensors else self.model.outputs
        return {tensor_name(v): _shown(tensors[tensor_name(v)], v, dequantize) for v in wanted}

    def run_many(self, batches: Iterable[Tensors]) -> Iterator[Tensors]:
        """The outputs for each of the inputs."""
        for inputs in batches:
            yield self.run(inputs)


def _given(inputs: Tensors, name: str, alone: bool) -> np.ndarray:
    array = next(iter(inputs.values())) if alone else inputs.get(name)
    if array is None:
        raise TpucError(f'input "{name}" is missing; given: {", ".join(inputs) or "none"}')
    return array


def _shown(array: np.ndarray, value: SSAValue, dequantize: bool) -> np.ndarray:
    info = tensor_info(value)
    array = array.reshape(info.shape).view(NUMPY_TYPES[storage_of(value)])
    return dequantized(array, storage_of(value), info.scale, info.zero_point) if dequantize else array


def _prepared(kernel: LocalKernel, model: Model) -> dict[str, Any]:
    """Constants as the engine takes them: per channel [1, c, 1, 1], the rest in their own shapes."""
    arrays = kernel.constant_arrays(model)
    for constant in kernel.constants():
        array = typed(arrays[constant.name], constant.storage)
        if constant.form is Form.COMPACT and array.ndim == 1:
            array = array.reshape(1, -1, 1, 1)
        arrays[constant.name] = array
    return arrays


def _local_step(kernel: LocalKernel, model: Model) -> Step:
    constants = _prepared(kernel, model)
    names = [tensor_name(v) for v in kernel.activations]
    shapes = [kernel.in_shape(i) for i in range(len(names))]
    part = Slice(Rows(0, kernel.out_shape[2]), tuple(Rows(0, shape[2]) for shape in shapes))
    out_shape, out_dtype, name, real_shape = kernel.out_shape, STORAGE[kernel.out_storage], kernel.name, tuple(shape_of(kernel.out))

    def step(tensors: dict[str, np.ndarray]) -> None:
        out = np.empty(out_shape, out_dtype)
        kernel.emit(ArrayEngine(tensors), out, [tensors[n].reshape(s) for n, s in zip(names, shapes)], constants, part)
        tensors[name] = out.reshape(real_shape)

    return step


def _global_step(kernel: GlobalKernel) -> Step:
    views = [global_view(v) for v in kernel.activations]
    out = global_view(kernel.out)
    shape, dtype = tuple(shape_of(kernel.out)), STORAGE[kernel.out_storage]

    def step(tensors: dict[str, np.ndarray]) -> None:
        tensors[out.tensor] = np.zeros(shape, dtype)
        kernel.emit(ArrayEngine(tensors), out, views, {})

    return step
