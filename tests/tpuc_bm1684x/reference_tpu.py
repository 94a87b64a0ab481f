"""A slow evaluation of lowered models with plain numpy: integers exactly, by the formulas of the lowering; floats in float64.

It shares no code with the chip's kernels or with tpuc_kernels, so that it can judge both.
"""

from __future__ import annotations

from math import erf

import numpy as np

from tpuc_core.evaluate.resize import interpolate
from tpuc_core.ir import is_none, is_weight, quantization_of, shape_of, storage_of, tensor_name

DTYPES = {"f32": np.float32, "i8": np.int8, "u8": np.uint8, "i16": np.int16, "i32": np.int32}


def evaluate(model, inputs):
    """Every tensor of a model in state TPU_LOWERED by name, as stored; `inputs` are stored values by name."""
    tensors = {tensor_name(op.results[0]): np.asarray(inputs[tensor_name(op.results[0])]) for op in model.inputs}

    def read(value):
        if is_none(value):
            return None
        return model.weight(value) if is_weight(value) else tensors[tensor_name(value)]

    for op in model.ops():
        result = op.results[0]
        y = OPS[op.name](op, [read(v) for v in op.operands])
        tensors[tensor_name(result)] = store(y, result)
    return tensors


def store(y, value):
    """Saturated and cast to the storage of a value, in its shape."""
    dtype = DTYPES[storage_of(value)]
    if dtype is not np.float32:
        assert np.array_equal(y, np.trunc(y)), "integers are wanted here"
        limits = np.iinfo(dtype)
        y = np.clip(y, limits.min, limits.max)
    return np.asarray(y).astype(dtype).reshape(shape_of(value))


def shifted(x, multiplier, rshift, is_away=False):
    """(x * multiplier) / 2^rshift to the nearest integer; halves up, or away from zero."""
    product = np.asarray(x).astype(object) * multiplier
    half = np.vectorize(lambda n: (1 << int(n)) >> 1, otypes=[object])(rshift)
    up = np.vectorize(lambda p, h, n: (int(p) + int(h)) >> int(n), otypes=[object])
    if not is_away:
        return up(product, half, rshift).astype(np.float64)
    magnitude = up(np.abs(product), half, rshift)
    return np.where(product < 0, -magnitude, magnitude).astype(np.float64)


def is_integer(op):
    return storage_of(op.results[0]) != "f32"


def zero_point(value):
    quantization = quantization_of(value)
    return 0 if quantization is None else quantization.zero_point


def centred(op, operands):
    """The operands without their zero points."""
    return [x.astype(np.int64) - zero_point(value) for x, value in zip(operands, op.operands, strict=True)]


def stored(op, y):
    """Integers without zero point as the result stores them, after its relu."""
    quantization = quantization_of(op.results[0])
    if op.get("do_relu"):
        y = np.maximum(y, 0)
        if op.get("relu_limit") > 0:
            y = np.minimum(y, round_away(np.float64(op.get("relu_limit") / quantization.scale)))
    return y + quantization.zero_point


def relu(op, y):
    if op.get("do_relu"):
        y = np.maximum(y, 0)
        if op.get("relu_limit") > 0:
            y = np.minimum(y, op.get("relu_limit"))
    return y


def round_away(x):
    return np.trunc(x + np.copysign(0.5, x))


def cast(op, operands):
    source, target = quantization_of(op.operands[0]), quantization_of(op.results[0])
    x = operands[0]
    if source is not None:
        return (x.astype(np.float64) - source.zero_point) * np.float32(source.scale)
    scaled = x.astype(np.float32) * np.float32(1 / target.scale)
    return round_away(scaled.astype(np.float64)) + target.zero_point


def windows(x, kernel, strides, pads, dilations, fill):
    """[n, c, oh, ow, kh, kw]: the window of every output pixel."""
    (kh, kw), (sy, sx), (dy, dx) = kernel, strides, dilations
    top, left, bottom, right = pads
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    oh, ow = (x.shape[2] - (kh - 1) * dy - 1) // sy + 1, (x.shape[3] - (kw - 1) * dx - 1) // sx + 1
    rows, columns = np.arange(oh)[:, None] * sy + np.arange(kh) * dy, np.arange(ow)[:, None] * sx + np.arange(kw) * dx
    return x[:, :, rows[:, None, :, None], columns[None, :, None, :]]


def grouped(patches, weights, group):
    """Sums of products: patches [n, ic, oh, ow, kh, kw], weights [oc, ic/group, kh, kw]."""
    parts = zip(np.split(patches, group, axis=1), np.split(weights.astype(np.float64), group, axis=0), strict=True)
    return np.concatenate([np.einsum("nchwkl,ockl->nohw", p, w) for p, w in parts], axis=1)


def conv(op, operands):
    x, weights, bias = operands
    patches = windows(x, op.get("kernel_shape"), op.get("strides"), op.get("pads"), op.get("dilations"), zero_point(op.operands[0]))
    y = grouped(patches, weights.astype(np.float64) - op.get("kernel_zp"), op.get("group"))
    if bias is not None:
        y = y + bias.reshape(1, -1, 1, 1)
    if is_integer(op):
        column = (1, -1, 1, 1)
        y = shifted(y.astype(np.int64), *(np.array(op.get(a), dtype=object).reshape(column) for a in ("multiplier", "rshift")))
        return stored(op, y)
    return relu(op, y)


def deconv(op, operands):
    x, weights, bias = operands
    n, ic, ih, iw = x.shape
    (sy, sx), (kh, kw), (top, left, _, _), group = op.get("strides"), op.get("kernel_shape"), op.get("pads"), op.get("group")
    oc, oh, ow = shape_of(op.results[0])[1:]
    full = np.zeros((n, oc, max((ih - 1) * sy + kh, top + oh), max((iw - 1) * sx + kw, left + ow)))
    per_in, per_out, given = ic // group, oc // group, zero_point(op.operands[0])
    for g in range(group):
        part = x[:, g * per_in : (g + 1) * per_in].astype(np.float64) - given
        w = weights[g * per_out : (g + 1) * per_out].astype(np.float64)
        for ky in range(kh):
            for kx in range(kw):
                place = full[:, g * per_out : (g + 1) * per_out, ky : ky + ih * sy : sy, kx : kx + iw * sx : sx]
                place += np.einsum("nihw,oi->nohw", part, w[:, :, ky, kx])
    y = full[:, :, top : top + oh, left : left + ow]
    if given:
        y = y + given * weights.reshape(oc, -1).sum(axis=1, dtype=np.int64).reshape(1, -1, 1, 1)
    return relu(op, y if bias is None else y + bias.reshape(1, -1, 1, 1))


def requant_axis(op, operands):
    table = operands[1].reshape(1, -1, 1, 1, 3).astype(object)
    return shifted(operands[0], table[..., 0], -table[..., 1], is_away=True) + table[..., 2].astype(np.float64)


def matmul(op, operands):
    left, right, bias = operands[:3]
    right = np.swapaxes(right, -1, -2) if op.get("right_transpose") else right
    y = left.astype(np.float64) @ (right.astype(np.float64) - op.get("right_zp"))
    if bias is not None:
        y = y + bias.reshape(-1)
    if is_integer(op):
        multipliers, rshifts = (np.array(op.get(a), dtype=object) for a in ("multipliers", "rshifts"))
        return stored(op, shifted(y.astype(np.int64), multipliers, rshifts, is_away=True))
    return relu(op, y)


def pool(op, operands):
    x, is_max = operands[0], op.get("pool_mode") == "Max"
    geometry = (op.get("kernel_shape"), op.get("strides"), op.get("pads"), (1, 1))
    patches = windows(x, *geometry, -np.inf if is_max else zero_point(op.operands[0]))
    if is_max:
        return patches.max(axis=(4, 5))
    total = patches.sum(axis=(4, 5))
    if is_integer(op) and not op.get("count_include_pad") and any(op.get("pads")):
        cells, given = np.prod(op.get("kernel_shape")), zero_point(op.operands[0])
        counts = windows(np.ones_like(x), *geometry, 0).sum(axis=(4, 5))
        factor = (op.get("scale") * cells / counts).astype(np.float32)
        return stored(op, round_away(((total - cells * given).astype(np.float32) * factor).astype(np.float64)))
    if is_integer(op) and op.get("scale") is not None:
        scaled = total.astype(np.float32) * np.float32(op.get("scale")) + np.float32(op.get("offset"))
        return stored(op, round_away(scaled.astype(np.float64)) - zero_point(op.results[0]))
    if is_integer(op):
        return stored(op, shifted(total.astype(np.int64), op.get("multiplier"), op.get("rshift")))
    counts = np.prod(op.get("kernel_shape")) if op.get("count_include_pad") else windows(np.ones_like(x), *geometry, 0).sum(axis=(4, 5))
    return relu(op, total / counts)


def add(op, operands):
    if not is_integer(op):
        return relu(op, sum(x.astype(np.float64) for x in operands))
    if op.get("rshift") is not None:
        total = sum(x * m for x, m in zip(centred(op, operands), op.get("multipliers"), strict=True))
        return stored(op, shifted(total, 1, op.get("rshift"), is_away=True))
    terms = [shifted(x, m, n) for x, m, n in zip(operands, op.get("multipliers"), op.get("rshifts"), strict=True)]
    return stored(op, sum(np.clip(term, -(2**15), 2**15 - 1) for term in terms))


def mul(op, operands):
    if not is_integer(op):
        return relu(op, operands[0].astype(np.float64) * operands[1])
    left, right = centred(op, operands)
    return stored(op, shifted(left * right, op.get("multiplier"), op.get("rshift")))


def requant_int(op, operands):
    (x,) = centred(op, operands)
    return shifted(x, op.get("multiplier"), op.get("rshift"), is_away=True) + zero_point(op.results[0])


def prelu(op, operands):
    if not is_integer(op):
        return np.where(operands[0] < 0, operands[0] * operands[1], operands[0])
    x = operands[0].astype(np.int64) - zero_point(op.operands[0])
    words = operands[1].reshape(1, -1, 1, 1, 3).astype(object)
    negative = shifted(np.minimum(x, 0), words[..., 0], -words[..., 1], is_away=True)
    return negative + shifted(np.maximum(x, 0), op.get("multiplier_pos"), op.get("rshift_pos"), is_away=True) + zero_point(op.results[0])


def lut(op, operands):
    return operands[1].reshape(256)[operands[0].view(np.uint8)]


def cut(op, operands):
    ends = zip(op.get("offset"), op.get("ends"), op.get("steps"), shape_of(op.results[0]), strict=True)
    return operands[0][tuple(slice(o, o + count * step, step) for o, _, step, count in ends)]


def pad(op, operands):
    paddings = op.get("paddings")
    half = len(paddings) // 2
    return np.pad(operands[0], list(zip(paddings[:half], paddings[half:], strict=True)), constant_values=op.get("val"))


def upsample(op, operands):
    return operands[0].repeat(op.get("scale_h"), axis=2).repeat(op.get("scale_w"), axis=3)


def softmax(op, operands):
    x = operands[0].astype(np.float64)
    power = np.exp(x - x.max(axis=op.get("axis"), keepdims=True))
    return power / power.sum(axis=op.get("axis"), keepdims=True)


REDUCTIONS = {
    "ReduceMean": np.mean, "ReduceSum": np.sum, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceProd": np.prod,
    "ReduceL1": lambda x, axis: np.abs(x).sum(axis), "ReduceL2": lambda x, axis: np.sqrt(np.square(x).sum(axis)),
}


def reduce(op, operands):
    return REDUCTIONS[op.get("mode")](operands[0].astype(np.float64), axis=tuple(op.get("axes")))


class Resized:
    """An op of the tpu dialect as the float evaluation reads it."""

    def __init__(self, op):
        self.op, self.shape = op, shape_of(op.results[0])

    def get(self, name, default=None):
        return self.op.get(name)


def interp(op, operands):
    y = interpolate(Resized(op), operands[0].astype(np.float32))
    return y if not is_integer(op) else np.rint(y)


ACTIVE = {
    "SIGMOID": lambda x: 1 / (1 + np.exp(-x)), "SILU": lambda x: x / (1 + np.exp(-x)), "TANH": np.tanh, "EXP": np.exp,
    "SQRT": np.sqrt, "RSQRT": lambda x: 1 / np.sqrt(x), "ABSVAL": np.abs, "SQUARE": np.square, "LN": np.log,
    "HSWISH": lambda x: x * np.clip(x / 6 + 0.5, 0, 1), "HSIGMOID": lambda x, beta, alpha: np.clip(alpha * x + beta, 0, 1),
    "ELU": lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(x)), "ERF": np.vectorize(erf),
}


def active(op, operands):
    return ACTIVE[op.get("mode")](operands[0].astype(np.float64), *(op.get("coeffs") or []))


def subtract(op, operands):
    left, right = reversed(operands) if op.get("is_reverse") else operands
    return relu(op, left.astype(np.float64) - right)


OPS = {
    "tpu.Active": active,
    "tpu.Add": add,
    "tpu.AddConst": lambda op, x: relu(op, x[0] + op.get("const_val")),
    "tpu.Cast": cast,
    "tpu.Clip": lambda op, x: np.clip(x[0], op.get("min"), op.get("max")),
    "tpu.Concat": lambda op, x: np.concatenate(x, axis=op.get("axis")),
    "tpu.Conv2D": conv,
    "tpu.Deconv": deconv,
    "tpu.Interp": interp,
    "tpu.LeakyRelu": lambda op, x: np.where(x[0] > 0, x[0], op.get("alpha") * x[0]),
    "tpu.Lut": lut,
    "tpu.MatMul": matmul,
    "tpu.Mul": mul,
    "tpu.Max": lambda op, x: np.maximum(*x),
    "tpu.Min": lambda op, x: np.minimum(*x),
    "tpu.MulConst": lambda op, x: relu(op, x[0] * op.get("const_val")),
    "tpu.MulShift": lambda op, x: shifted(x[0], op.get("multiplier"), op.get("rshift")),
    "tpu.Pad": pad,
    "tpu.Permute": lambda op, x: x[0].transpose(op.get("order")),
    "tpu.Pool2D": pool,
    "tpu.PReluOp": prelu,
    "tpu.Reduce": reduce,
    "tpu.Relu": lambda op, x: np.clip(x[0], 0, op.get("relu_limit") if op.get("relu_limit") > 0 else None),
    "tpu.RequantInt": requant_int,
    "tpu.RequantIntAxis": requant_axis,
    "tpu.Reshape": lambda op, x: x[0].reshape(shape_of(op.results[0])),
    "tpu.Slice": cut,
    "tpu.Softmax": softmax,
    "tpu.Sub": subtract,
    "tpu.SubConst": lambda op, x: relu(op, op.get("const_val") - x[0] if op.get("is_reverse") else x[0] - op.get("const_val")),
    "tpu.Upsample": upsample,
}
