"""Reshapes in a row, permutations in a row, parts of a Split, pools of whole maps, upsampling."""

from __future__ import annotations

from xdsl.ir import OpResult
from xdsl.pattern_rewriter import PatternRewriter, op_type_rewrite_pattern

from tpuc_core.ir import has_shape, is_weight, shape_of, tensor_name, top, with_shape
from tpuc_core.ir.dialects.top.layout import OPEN_END
from tpuc_core.passes.canonicalize.patterns import ModelPattern, are_ranked, is_returned, producer, replace


class FlattenToReshape(ModelPattern):
    """Flatten becomes Reshape."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.FlattenOp, rewriter: PatternRewriter, /) -> None:
        if has_shape(op.results[0]):
            shape = list(shape_of(op.results[0]))
            replace(rewriter, op, top.ReshapeOp, [op.operands[0]], shape=shape, flatten_start_dim=op.get("start_dim"))


class ReshapeOfReshape(ModelPattern):
    """Reshape, Squeeze or Unsqueeze behind a Reshape becomes one Reshape."""

    def match_and_rewrite(self, op, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, top.ReshapeOp | top.SqueezeOp | top.UnsqueezeOp) or not are_ranked(op.results):
            return
        first = producer(op.operands[0], top.ReshapeOp)
        if first is not None:
            start = first.get("flatten_start_dim")
            shape = list(shape_of(op.results[0]))
            replace(rewriter, op, top.ReshapeOp, [first.operands[0]], shape=shape, flatten_start_dim=start)
            rewriter.erase(first)


class PermuteOfPermute(ModelPattern):
    """Two Permutes in a row become one."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.PermuteOp, rewriter: PatternRewriter, /) -> None:
        first = producer(op.operands[0], top.PermuteOp)
        if first is not None:
            order = [first.get("order")[i] for i in op.get("order")]
            replace(rewriter, op, top.PermuteOp, [first.operands[0]], order=order)
            rewriter.erase(first)


class DropIdentity(ModelPattern):
    """A Reshape, Permute, Squeeze, Expand, Tile or Pad that changes nothing goes away, unless its name is an output's."""

    def match_and_rewrite(self, op, rewriter: PatternRewriter, /) -> None:
        if not isinstance(op, top.ReshapeOp | top.PermuteOp | top.TileOp | top.PadOp | top.ExpandOp):
            return
        if not are_ranked((op.operands[0], *op.results)) or shape_of(op.operands[0]) != shape_of(op.results[0]):
            return
        if isinstance(op, top.PermuteOp) and op.get("order") != sorted(op.get("order")):
            return
        if isinstance(op, top.PadOp) and any(op.get("paddings")):
            return
        if not is_returned(op.results[0]):
            rewriter.replace(op, [], [op.operands[0]])


class ExpandToTile(ModelPattern):
    """Expand becomes Tile, behind a Reshape where it adds dimensions."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ExpandOp, rewriter: PatternRewriter, /) -> None:
        if not are_ranked((op.operands[0], *op.results)):
            return
        x, source, target = op.operands[0], shape_of(op.operands[0]), shape_of(op.results[0])
        if len(source) < len(target):
            source = (1,) * (len(target) - len(source)) + source
            reshape = top.ReshapeOp.make(f"{op.label}_reshape", [x], with_shape(x.type, source), shape=list(source))
            rewriter.insert(reshape)
            x = reshape.results[0]
        replace(rewriter, op, top.TileOp, [x], tile=[b // a for a, b in zip(source, target)])


class SplitToSlices(ModelPattern):
    """Split becomes one Slice for every part."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.SplitOp, rewriter: PatternRewriter, /) -> None:
        if not are_ranked((op.operands[0], *op.results)) or op.get("split_size") is None:
            return
        none = self.model.none(op)
        rank, axis, begin, slices = len(shape_of(op.operands[0])), op.get("axis"), 0, []
        for part, size in zip(op.results, op.get("split_size")):
            offset, ends = [0] * rank, [OPEN_END] * rank
            offset[axis], ends[axis] = begin, begin + size
            attributes = {"offset": offset, "ends": ends, "steps": [1] * rank, "hasparamConvert_axes": [axis]}
            slices.append(top.SliceOp.make(tensor_name(part), [op.operands[0], none, none, none], part.type, **attributes))
            begin += size
        rewriter.replace(op, slices, [each.results[0] for each in slices])


class WholeMapReduceToPool(ModelPattern):
    """The mean or maximum over both dimensions of a map becomes a pool of the whole map."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ReduceOp, rewriter: PatternRewriter, /) -> None:
        kinds = {"ReduceMean": top.AvgPoolOp, "ReduceMax": top.MaxPoolOp}
        if op.get("mode") not in kinds or not are_ranked(op.operands) or len(shape_of(op.operands[0])) != 4:
            return
        if op.get("axes") == [2, 3]:
            attributes = {
                "kernel_shape": list(shape_of(op.operands[0])[2:]),
                "strides": [1, 1],
                "pads": [0, 0, 0, 0],
                "count_include_pad": True,
                "keepdims": op.get("keepdims"),
            }
            replace(rewriter, op, kinds[op.get("mode")], [op.operands[0]], **attributes)


class NearestToUpsample(ModelPattern):
    """Interp nearest by whole factors becomes Upsample, other than with aligned corners."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.InterpOp, rewriter: PatternRewriter, /) -> None:
        if op.get("mode") != "nearest" or op.get("coord_mode") == "align_corners":
            return
        if not are_ranked((op.operands[0], *op.results)) or len(shape_of(op.operands[0])) != 4:
            return
        source, target = shape_of(op.operands[0])[2:], shape_of(op.results[0])[2:]
        if all(b % a == 0 for a, b in zip(source, target)):
            scale_h, scale_w = (b // a for a, b in zip(source, target))
            replace(rewriter, op, top.UpsampleOp, [op.operands[0]], scale_h=scale_h, scale_w=scale_w)


class LineConvToMapConv(ModelPattern):
    """A convolution along one dimension becomes one over a map of width 1: kernel [k] -> [k, 1]."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: top.ConvOp, rewriter: PatternRewriter, /) -> None:
        kernel = op.operands[1]
        if len(op.get("kernel_shape")) != 1 or not is_weight(kernel) or len(op.get("pads")) != 2:
            return
        begin, end = op.get("pads")
        op.set(kernel_shape=[*op.get("kernel_shape"), 1], strides=[*op.get("strides"), 1], pads=[begin, 0, end, 0])
        if op.get("dilations"):
            op.set(dilations=[*op.get("dilations"), 1])
        filter_value = self.model.add_weight(tensor_name(kernel), self.model.weight(kernel)[..., None], op)
        op.operands[1] = filter_value
        rewriter.notify_op_modified(op)


class EraseUnused(ModelPattern):
    """What nothing uses goes away, apart from inputs."""

    def match_and_rewrite(self, op, rewriter: PatternRewriter, /) -> None:
        if not op.name.startswith("top.") or isinstance(op, top.InputOp) or op.regions or not op.results:
            return
        if all(result.first_use is None for result in op.results):
            sources = [value.op for value in op.operands if isinstance(value, OpResult)]
            rewriter.erase(op)
            for source in sources:
                rewriter.notify_op_modified(source)


PATTERNS = [
    EraseUnused,
    FlattenToReshape,
    ReshapeOfReshape,
    PermuteOfPermute,
    DropIdentity,
    ExpandToTile,
    SplitToSlices,
    WholeMapReduceToPool,
    NearestToUpsample,
    LineConvToMapConv,
]
