"""Convolutions that the instruction does not take as they are: of one dimension, with large strides, or with large padding.

A stride that is too large is folded into channels: with a stride of s, s neighbouring columns become s channels of one column, and
the filter, filled up with zeros to a multiple of s, moves by one. Padding that is too large becomes a Pad.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tpuc_bm1684x.lowering.generic import missing_operands
from tpuc_core.ir import quantization_of, shape_of, storage_of, tensor_name, tensor_type, tpu, with_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xdsl.ir import Attribute, SSAValue

    from tpuc_bm1684x.lowering.context import Lowering
    from tpuc_core.ir import TensorOp

MOST_STEPS = 15
"""The largest padding and stride, and one less than the largest dilation, that the instruction's fields hold."""

LONG_ROW = 24576
"""Elements of the only row of an input from which on its stride is folded, whatever it is: a row cannot be cut."""


@dataclass
class Geometry:
    """How a convolution of two dimensions moves: pads are top, left, bottom, right."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]

    @staticmethod
    def of(op: TensorOp) -> Geometry:
        """Of a Conv of one or two dimensions; one dimension is the second of two."""
        kernel, strides, pads = list(op.get("kernel_shape")), list(op.get("strides")), list(op.get("pads"))
        dilations = list(op.get("dilations") or [1] * len(kernel))
        if len(kernel) == 1:
            kernel, strides, dilations, pads = [1, *kernel], [1, *strides], [1, *dilations], [0, pads[0], 0, pads[1]]
        return Geometry(*(tuple(v) for v in (kernel, strides, dilations, pads)))  # type: ignore[arg-type]

    def attributes(self) -> dict[str, Any]:
        """Of a tpu.Conv2D."""
        return {"kernel_shape": list(self.kernel), "strides": list(self.strides), "dilations": list(self.dilations), "pads": list(self.pads)}


def is_plain(op: TensorOp) -> bool:
    """Whether the instruction takes a Conv as it is."""
    if len(op.get("kernel_shape")) != 2:
        return False
    geometry = Geometry.of(op)
    return max(geometry.pads) <= MOST_STEPS and folds_of(geometry, shape_of(op.operands[0])[2:]) == (1, 1)


def folds_of(geometry: Geometry, sizes: Sequence[int]) -> tuple[int, int]:
    """How many neighbours along each axis become channels of one; 1 for none."""
    (sy, sx), (_, dx) = geometry.strides, geometry.dilations
    is_long = sizes[-1] >= LONG_ROW and all(size == 1 for size in sizes[:-1])
    return sy if sy > MOST_STEPS else 1, sx if sx > MOST_STEPS or (is_long and dx == 1) else 1


def folding_obstacle(op: TensorOp) -> str | None:
    """Why a Conv cannot be brought into a form that the instruction takes."""
    if len(op.get("kernel_shape")) > 2:
        return f"a kernel of {len(op.get('kernel_shape'))} dimensions"
    geometry = Geometry.of(op)
    for stride, dilation in zip(geometry.strides, geometry.dilations):
        if dilation > MOST_STEPS + 1 or (dilation > 1 and stride > MOST_STEPS):
            return f"a dilation of {dilation} with a stride of {stride}"
    return None


class Folding:
    """Brings the input and the filter of a Conv into another form. Ops in between are named after the Conv and numbered."""

    def __init__(self, op: TensorOp, lowering: Lowering, x: SSAValue, filters: np.ndarray, filling: int = 0):
        """filters: [oc, ic, ...]; `filling` is what stands for 0 in them."""
        self.op, self.lowering, self.value, self.filling = op, lowering, x, filling
        self.geometry = Geometry.of(op)
        self.filters = filters.reshape(*filters.shape[:2], *self.geometry.kernel)
        result = shape_of(op.results[0])
        self.out = result[2:] if len(result) == 4 else (1, result[2])
        self._count = 0
        self._bring_in()

    def type_of(self, shape: Sequence[int]) -> Attribute:
        """A tensor type with the elements of the input."""
        quantization = quantization_of(self.value)
        return tensor_type(shape, storage_of(self.value)) if quantization is None else tensor_type(shape, quantization=quantization)

    def result_shape(self) -> tuple[int, ...]:
        """Of the convolution, [n, oc, oh, ow]."""
        return (*shape_of(self.op.results[0])[:2], *self.out)

    def convolve(self, weights: SSAValue, bias: SSAValue, result_type: Attribute, **attributes: Any) -> SSAValue:
        """The convolution of the input in its new form; `result_type` is that of the Conv."""
        shape = self.result_shape()
        is_final = shape == shape_of(self.op.results[0])
        name = None if is_final else f"{tensor_name(self.op.results[0])}_conv"
        operands = [self.value, weights, bias]
        y = self.lowering.emit(self.op, tpu.Conv2DOp, operands, with_shape(result_type, shape), name=name,
                               **self.geometry.attributes(), group=self.op.get("group"), **attributes)
        return y if is_final else self.lowering.emit(self.op, tpu.ReshapeOp, [y], result_type, shape=list(shape_of(self.op.results[0])))

    def _emit(self, op_class: Any, result_shape: Sequence[int], **attributes: Any) -> None:
        name = f"{tensor_name(self.op.results[0])}_input{self._count}"
        self._count += 1
        operands = [self.value, *[self.lowering.none(self.op)] * missing_operands(op_class, 1)]
        self.value = self.lowering.emit(self.op, op_class, operands, self.type_of(result_shape), name=name, **attributes)

    def _bring_in(self) -> None:
        n, c, *sizes = shape_of(self.value)
        if len(sizes) == 1:
            self._emit(tpu.ReshapeOp, (n, c, 1, *sizes), shape=[n, c, 1, *sizes])
        strides = self.geometry.strides
        folds = folds_of(self.geometry, shape_of(self.value)[2:])
        kernels = [-(-k // f) * f for k, f in zip(self.geometry.kernel, folds)]
        wanted = [(o - 1) * s + k if f > 1 else 0 for o, s, k, f in zip(self.out, strides, kernels, folds)]
        self._pad(wanted)
        if folds != (1, 1):
            self._crop(wanted)
            self._fold(folds, kernels)

    def _pad(self, wanted: Sequence[int]) -> None:
        """Padding that does not fit, or of a folded axis; that one becomes at least as long as wanted."""
        top, left, bottom, right = self.geometry.pads
        n, c, *sizes = shape_of(self.value)
        before, after = [top, left], [bottom, right]
        for axis in range(2):
            if wanted[axis]:
                after[axis] = max(0, wanted[axis] - sizes[axis] - before[axis])
            elif max(before[axis], after[axis]) <= MOST_STEPS:
                before[axis] = after[axis] = 0
        kept = [pad if not wanted[i % 2] and not (before[i % 2] or after[i % 2]) else 0 for i, pad in enumerate(self.geometry.pads)]
        self.geometry.pads = tuple(kept)  # type: ignore[assignment]
        if any(before) or any(after):
            shape = (n, c, *(b + s + a for b, s, a in zip(before, sizes, after)))
            quantization = quantization_of(self.value)
            value = float(quantization.zero_point) if quantization else 0.0
            self._emit(tpu.PadOp, shape, paddings=[0, 0, *before, 0, 0, *after], mode="constant", val=value)

    def _crop(self, wanted: Sequence[int]) -> None:
        n, c, *sizes = shape_of(self.value)
        cropped = [w or s for w, s in zip(wanted, sizes)]
        if cropped != list(sizes):
            self._emit(tpu.SliceOp, (n, c, *cropped), offset=[0] * 4, steps=[1] * 4, ends=[n, c, *cropped])

    def _fold(self, folds: Sequence[int], kernels: Sequence[int]) -> None:
        n, c, h, w = shape_of(self.value)
        fh, fw = folds
        split = (n, c, h // fh, fh, w // fw, fw)
        self._emit(tpu.ReshapeOp, split, shape=list(split))
        order = [0, 1, 3, 5, 2, 4]
        self._emit(tpu.PermuteOp, [split[i] for i in order], order=order)
        folded = (n, c * fh * fw, h // fh, w // fw)
        self._emit(tpu.ReshapeOp, folded, shape=list(folded))
        oc, ic, kh, kw = self.filters.shape
        missing = ((0, 0), (0, 0), (0, kernels[0] - kh), (0, kernels[1] - kw))
        filled = np.pad(self.filters, missing, constant_values=self.filling)
        parts = filled.reshape(oc, ic, kernels[0] // fh, fh, kernels[1] // fw, fw).transpose(order)
        self.filters = np.ascontiguousarray(parts).reshape(oc, ic * fh * fw, kernels[0] // fh, kernels[1] // fw)
        self.geometry.kernel = self.filters.shape[2:]
        self.geometry.strides = tuple(1 if f > 1 else s for f, s in zip(folds, self.geometry.strides))  # type: ignore[assignment]
