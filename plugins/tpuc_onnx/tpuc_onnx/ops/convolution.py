"""Conv, ConvTranspose."""

from __future__ import annotations

from xdsl.ir import SSAValue

from tpuc_core.ir import shape_of, top
from tpuc_onnx.graph import Node
from tpuc_onnx.importer import Importer
from tpuc_onnx.ops.windows import Window
from tpuc_onnx.registry import Unsupported, converts


@converts("Conv")
def conv(importer: Importer, node: Node) -> None:
    shape, filter_shape = importer.shape(node.input(0)), importer.shape(node.input(1))
    window = _window(node, shape, filter_shape)
    kernel = importer.constant(node.input(1))
    if kernel is None and window.kernel != list(filter_shape[2:]):
        raise Unsupported("1-D filter that is computed at run time")
    attributes = {"group": node.get("group", 1), "kernel_shape": window.kernel, "strides": window.strides,
                  "dilations": window.dilations, "pads": window.pads, "weight_is_coeff": int(kernel is not None)}
    filter_value = importer.value(node.input(1)) if kernel is None else importer.weight(
        node.input(1), kernel.reshape(*kernel.shape[:2], *window.kernel))
    operands = [filter_value, _bias(importer, node)]
    _emit_planar(importer, node, top.ConvOp, operands, attributes)


@converts("ConvTranspose")
def conv_transpose(importer: Importer, node: Node) -> None:
    shape = importer.shape(node.input(0))
    kernel = importer.parameter(node, 1, "filter")
    if len(shape) == 5:
        raise Unsupported("3 spatial dimensions")
    window = _window(node, shape, kernel.shape)
    group = node.get("group", 1)
    rank = len(window.kernel)
    padding = list(node.get("output_padding") or [0] * (rank if len(shape) == 4 else 1))
    padding += [0] * (rank - len(padding))
    _set_transposed_pads(node, shape[2:], window, padding)
    if any(d != 1 for d in window.dilations) and rank != 2:
        raise Unsupported("dilations")
    # [ic, oc / group, ...] -> [oc, ic / group, ...]
    blocks = kernel.reshape(group, kernel.shape[0] // group, kernel.shape[1], *window.kernel).swapaxes(1, 2)
    weight = importer.weight(node.input(1), blocks.reshape(-1, kernel.shape[0] // group, *window.kernel))
    attributes = {"group": group, "kernel_shape": window.kernel, "strides": window.strides, "dilations": window.dilations,
                  "pads": window.pads, "output_padding": padding}
    _emit_planar(importer, node, top.DeconvOp, [weight, _bias(importer, node)], attributes)


def _window(node: Node, shape: tuple[int, ...], filter_shape: tuple[int, ...]) -> Window:
    if len(shape) not in (3, 4, 5):
        raise Unsupported(f"{len(shape) - 2} spatial dimensions")
    if len(shape) != len(filter_shape):
        raise Unsupported(f"a filter of {len(filter_shape)} dimensions on an input of {len(shape)}")
    return Window.of(node, shape[2:], filter_shape[2:]).two_dimensional()


def _bias(importer: Importer, node: Node) -> SSAValue:
    return importer.value(node.input(2)) if node.input(2) else importer.none()


def _emit_planar(importer: Importer, node: Node, op_class: type, operands: list[SSAValue], attributes: dict) -> None:
    """Emit an op on tensors of 4 or 5 dimensions; one of 3 goes through [n, c, l, 1]."""
    x = importer.value(node.input(0))
    if len(shape_of(x)) != 3:
        importer.emit(node, op_class, [x, *operands], **attributes)
        return
    name = node.result_names[0]
    planar = importer.emit_named(f"{name}_planar_in", top.ReshapeOp, [x], shape=[*shape_of(x), 1])
    result = importer.emit_named(f"{name}_planar", op_class, [planar, *operands], **attributes)
    importer.emit(node, top.ReshapeOp, [result], shape=list(shape_of(result)[:3]))


def _set_transposed_pads(node: Node, spatial: tuple[int, ...], window: Window, output_padding: list[int]) -> None:
    """Set the pads that `output_shape` or `auto_pad` ask for, as ONNX computes them; what is missing becomes output padding."""
    wanted = list(node.get("output_shape") or ())[-len(spatial) :]
    auto_pad = node.get("auto_pad", "NOTSET")
    sizes = [*spatial, 1][: len(window.kernel)]
    if not wanted and auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        wanted = [size * stride for size, stride in zip(sizes, window.strides)]
    if not wanted:
        return
    wanted += [1] * (len(window.kernel) - len(wanted))
    begins, ends = [], []
    for i, (size, stride, want) in enumerate(zip(sizes, window.strides, wanted)):
        total = stride * (size - 1) + output_padding[i] + window.extent(i) - want
        output_padding[i] += max(-total, 0)
        halves = [max(total, 0) // 2, -(-max(total, 0) // 2)]
        begin, end = halves if auto_pad == "SAME_UPPER" else reversed(halves)
        begins.append(begin)
        ends.append(end)
    window.pads = begins + ends
