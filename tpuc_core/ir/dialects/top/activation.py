"""Functions of one value each."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition

from tpuc_core.ir.dialects.base import SameShapeOp, UnaryOp, default, operand, required, result
from tpuc_core.ir.dialects.kinds import BOOL, F64, one_of
from tpuc_core.ir.dialects.top.words import ROUND_MODE


@irdl_op_definition
class ReluOp(UnaryOp):
    """y = max(x, 0), and min(y, relu_limit) where that is positive. Source: ONNX Relu and Clip(0, L), TFLite RELU and RELU6."""

    name = "top.Relu"
    relu_limit = default(F64, -1.0)


@irdl_op_definition
class ClipOp(SameShapeOp):
    """y = min(max(x, min), max). Source: ONNX Clip."""

    name = "top.Clip"
    inputs = operand()
    output = result()
    max = required(F64)
    min = required(F64)


@irdl_op_definition
class LeakyReluOp(UnaryOp):
    """y = x where x > 0, alpha * x elsewhere. Source: ONNX LeakyRelu, TFLite LEAKY_RELU, Caffe ReLU."""

    name = "top.LeakyRelu"
    alpha = required(F64)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")


@irdl_op_definition
class PReluOp(UnaryOp):
    """y = x where x > 0, slope * x elsewhere; slope is one a channel. Source: ONNX PRelu, TFLite PRELU, Caffe PReLU."""

    name = "top.PRelu"
    input = operand()
    slope = operand()
    output = result()


@irdl_op_definition
class SigmoidOp(UnaryOp):
    """y = 1 / (1 + exp(-x)), or its logarithm. Source: ONNX Sigmoid, TFLite LOGISTIC, Caffe Sigmoid."""

    name = "top.Sigmoid"
    bias = default(F64, 0.0)
    log = default(BOOL, False)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")
    scale = default(F64, 1.0)


@irdl_op_definition
class HardSigmoidOp(UnaryOp):
    """y = min(max(alpha * x + beta, 0), 1). Source: ONNX HardSigmoid."""

    name = "top.HardSigmoid"
    alpha = required(F64)
    beta = required(F64)


@irdl_op_definition
class EluOp(UnaryOp):
    """y = x where x > 0, alpha * (exp(x) - 1) elsewhere. Source: ONNX Elu."""

    name = "top.Elu"
    alpha = required(F64)


@irdl_op_definition
class GELUOp(UnaryOp):
    """y = x / 2 * (1 + erf(x / sqrt(2))); with approx_mode tanh x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))), with sigm
    x / (1 + exp(-1.702 * x)). Source: ONNX Gelu, and the pattern of Erf."""

    name = "top.GELU"
    approx_mode = default(one_of("normal", "tanh", "sigm"), "normal")
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")


@irdl_op_definition
class TanhOp(UnaryOp):
    """y = tanh(x). Source: ONNX Tanh, Caffe TanH."""

    name = "top.Tanh"
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")


@irdl_op_definition
class SwishOp(UnaryOp):
    """y = x / (1 + exp(-beta * x)). Source: ONNX Swish."""

    name = "top.Swish"
    beta = required(F64)
    round_mode = default(ROUND_MODE, "HalfAwayFromZero")


@irdl_op_definition
class FloorOp(UnaryOp):
    """y = the greatest integer that is not above x. Source: ONNX Floor."""

    name = "top.Floor"
    is_scalar = default(BOOL, False)


def _function(name: str, meaning: str) -> type[UnaryOp]:
    """The class of a function without attributes."""
    return irdl_op_definition(type(f"{name}Op", (UnaryOp,), {"name": f"top.{name}", "__doc__": meaning, "__annotations__": {}}))


AbsOp = _function("Abs", "y = |x|. Source: ONNX Abs, Caffe AbsVal.")
ArccosOp = _function("Arccos", "y = arccos(x). Source: ONNX Acos.")
ArctanhOp = _function("Arctanh", "y = artanh(x). Source: ONNX Atanh.")
CeilOp = _function("Ceil", "y = the least integer that is not below x. Source: ONNX Ceil.")
CosOp = _function("Cos", "y = cos(x). Source: ONNX Cos.")
CoshOp = _function("Cosh", "y = cosh(x). Source: ONNX Cosh.")
ErfOp = _function("Erf", "y = 2 / sqrt(pi) * the integral of exp(-t^2) from 0 to x. Source: ONNX Erf.")
ExpOp = _function("Exp", "y = exp(x). Source: ONNX Exp.")
HardSwishOp = _function("HardSwish", "y = x * min(max(x / 6 + 1 / 2, 0), 1). Source: ONNX HardSwish, TFLite HARD_SWISH.")
LogOp = _function("Log", "y = ln(x). Source: ONNX Log.")
MishOp = _function("Mish", "y = x * tanh(ln(1 + exp(x))). Source: ONNX Mish, Caffe Mish.")
RoundOp = _function("Round", "y = x rounded, half away from zero. Source: ONNX Round.")
RsqrtOp = _function("Rsqrt", "y = 1 / sqrt(x). Source: ONNX Reciprocal of Sqrt.")
SiLUOp = _function("SiLU", "y = x / (1 + exp(-x)). Source: the pattern x * Sigmoid(x).")
SignOp = _function("Sign", "y = -1, 0 or 1. Source: ONNX Sign.")
SinOp = _function("Sin", "y = sin(x). Source: ONNX Sin.")
SinhOp = _function("Sinh", "y = sinh(x). Source: ONNX Sinh.")
SoftplusOp = _function("Softplus", "y = ln(1 + exp(x)). Source: ONNX Softplus.")
SoftsignOp = _function("Softsign", "y = x / (1 + |x|). Source: ONNX Softsign.")
SqrtOp = _function("Sqrt", "y = sqrt(x). Source: ONNX Sqrt.")
TanOp = _function("Tan", "y = tan(x). Source: ONNX Tan.")
