"""A Caffe net as plain Python: the layers of a forward pass in order, with their weights and the names of what they give."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_caffe.files import Weights, read_prototxt, read_weights
from tpuc_caffe.upgrade import layers_of
from tpuc_core.errors import TpucError, did_you_mean

Shape = tuple[int, ...]
# layers that bring data into a net
DATA_TYPES = frozenset(("AnnotatedData", "Data", "DummyData", "HDF5Data", "ImageData", "MemoryData", "VideoData", "WindowData"))
# layers whose results are about training: they and what only they read end the net
TRAINING_TYPES = frozenset((
    "Accuracy", "ContrastiveLoss", "DetectionEvaluate", "EuclideanLoss", "HDF5Output", "HingeLoss", "InfogainLoss",
    "MultiBoxLoss", "MultinomialLogisticLoss", "SigmoidCrossEntropyLoss", "Silence", "SmoothL1Loss", "SoftmaxWithLoss",
))
# layers that hand on what they get
IDENTITY_TYPES = frozenset(("Dropout", "SpatialDropout", "Split"))
# layers that cannot do without weights
WEIGHTED_TYPES = frozenset((
    "BatchNorm", "Convolution", "ConvolutionDepthwise", "Deconvolution", "DepthwiseConvolution", "InnerProduct", "Normalize", "PReLU",
))
TEST = 1


@dataclass
class Layer:
    """One layer. `inputs` are tensors, `outputs` the tensors that it makes, one for each top, in place or not."""

    name: str
    type: str
    parameters: Any
    inputs: list[str]
    outputs: list[str]
    blobs: list[np.ndarray] = field(default_factory=list)


@dataclass
class Net:
    """A net in phase TEST. Tensors have names of their own, though layers may overwrite a blob in place.

    `tensors`: by a name of the file (a blob's: the value that it has in the end; or a layer's: its first result) a tensor.
    """

    name: str
    inputs: dict[str, Shape]
    layers: list[Layer]
    outputs: list[str]
    tensors: dict[str, str]

    def end_at(self, names: Sequence[str]) -> None:
        """Make these tensors the outputs, and drop the layers that none of them needs. Raises TpucError for unknown names."""
        outputs = []
        for name in names:
            known = {tensor: tensor for layer in self.layers for tensor in layer.outputs} | self.tensors
            if name not in known:
                raise TpucError(f'--output_names: no blob or layer "{name}" in the net; {did_you_mean(name, known)}')
            outputs.append(known[name])
        self.outputs = outputs
        needed, kept = set(outputs), []
        for layer in reversed(self.layers):
            if needed.intersection(layer.outputs):
                kept.append(layer)
                needed.update(layer.inputs)
        self.layers = kept[::-1]
        self.inputs = {name: shape for name, shape in self.inputs.items() if name in needed} or self.inputs


def read_net(prototxt: Path, caffemodel: Path | None, input_shapes: Sequence[Sequence[int]] | None = None) -> Net:
    """The net of a file, its weights of the other. Raises TpucError: unreadable files, input shapes that are wrong or missing."""
    description = read_prototxt(prototxt)
    weights = read_weights(caffemodel) if caffemodel else {}
    layers = [layer for layer in layers_of(description) if _runs_in(layer, description.state)]
    bare = [layer for layer in layers if layer.type in WEIGHTED_TYPES and not weights]
    if bare:
        raise TpucError(f'{bare[0].type} layer "{bare[0].name}" has weights, and there is no "{prototxt.with_suffix(".caffemodel")}": '
                        "give the file that has them")
    inputs = _declared_inputs(description) | _input_layers(layers)
    inputs = _checked_shapes(inputs, input_shapes, prototxt)
    return _assemble(description.name or prototxt.stem, inputs, layers, weights)


def _runs_in(layer: Any, state: Any) -> bool:
    """Whether the rules of a layer let it run in phase TEST."""
    if layer.include:
        return any(_meets(rule, state) for rule in layer.include)
    return not any(_meets(rule, state) for rule in layer.exclude)


def _meets(rule: Any, state: Any) -> bool:
    stages = set(state.stage)
    return not (
        (rule.HasField("phase") and rule.phase != TEST)
        or (rule.HasField("min_level") and state.level < rule.min_level)
        or (rule.HasField("max_level") and state.level > rule.max_level)
        or not stages.issuperset(rule.stage)
        or not stages.isdisjoint(rule.not_stage)
    )


def _declared_inputs(net: Any) -> dict[str, Shape]:
    """The inputs that stand before the layers, as files had them before there were Input layers."""
    shapes = [tuple(shape.dim) for shape in net.input_shape]
    dims = list(net.input_dim)
    shapes = shapes or [tuple(dims[i : i + 4]) for i in range(0, len(dims), 4)]
    shapes += [()] * (len(net.input) - len(shapes))
    return dict(zip(net.input, shapes))


def _input_layers(layers: Iterable[Any]) -> dict[str, Shape]:
    inputs: dict[str, Shape] = {}
    for layer in layers:
        if layer.type == "Input":
            shapes = [tuple(shape.dim) for shape in layer.input_param.shape]
            shapes = shapes * len(layer.top) if len(shapes) == 1 else shapes
            inputs |= dict(zip(layer.top, [*shapes, *[()] * (len(layer.top) - len(shapes))]))
        elif layer.type in DATA_TYPES and layer.top:
            inputs[layer.top[0]] = _data_shape(layer)  # the others are labels, which only training reads
    return inputs


def _data_shape(layer: Any) -> Shape:
    """The shape of what a data layer gives, () where the file does not say it."""
    memory, image = layer.memory_data_param, layer.image_data_param
    if layer.type == "MemoryData":
        shape = (memory.batch_size, memory.channels, memory.height, memory.width)
        return shape if all(shape) else ()
    crop = layer.transform_param.crop_size or layer.data_param.crop_size or image.crop_size
    height, width = (crop, crop) if crop else (image.new_height, image.new_width)
    is_gray = layer.transform_param.force_gray or not image.is_color
    return (1, 1 if is_gray else 3, height, width) if height and width else ()


def _checked_shapes(inputs: dict[str, Shape], given: Sequence[Sequence[int]] | None, path: Path) -> dict[str, Shape]:
    if not inputs:
        raise TpucError(f'"{path}" has no input: neither "input" nor a layer that gives data in phase TEST')
    if given is None:
        for name, shape in inputs.items():
            if not shape or min(shape) < 1:
                raise TpucError(f'input "{name}" has no fixed shape; give it, for example --input_shapes {_example(inputs)}')
        return inputs
    if len(given) != len(inputs):
        raise TpucError(f"--input_shapes has {len(given)} shapes; the net has {len(inputs)} inputs: {', '.join(inputs)}")
    for (name, shape), wanted in zip(inputs.items(), given):
        if shape and len(shape) != len(wanted):
            raise TpucError(f'--input_shapes gives {list(wanted)} for input "{name}", which has {len(shape)} dimensions: {list(shape)}')
        if min(wanted) < 1:
            raise TpucError(f'--input_shapes gives {list(wanted)} for input "{name}"; every dimension must be positive')
    return {name: tuple(shape) for name, shape in zip(inputs, given)}


def _example(inputs: dict[str, Shape]) -> str:
    """Shapes to start from: batch 1, pictures of 224 x 224."""
    shapes = [[d if d > 0 else (1, 3, 224, 224)[min(i, 3)] for i, d in enumerate(shape or (0,) * 4)] for shape in inputs.values()]
    return str(shapes).replace(" ", "")


def _assemble(name: str, inputs: dict[str, Shape], descriptions: Sequence[Any], weights: Weights) -> Net:
    """Follow the blobs through the layers: what each of them reads, and under which names it writes."""
    skipped = DATA_TYPES | TRAINING_TYPES | {"Input"}
    active = [each for each in descriptions if each.type not in skipped]
    writers: dict[str, int] = {}
    for each in active:
        if each.type not in IDENTITY_TYPES:
            for blob in each.top:
                writers[blob] = writers.get(blob, 0) + 1
    current = {blob: blob for blob in inputs}
    names, read, layers = dict(current), set(), []
    taken = {*inputs, *(blob for blob, count in writers.items() if count and blob not in inputs)}
    for each in active:
        missing = [blob for blob in each.bottom if blob not in current]
        if missing:
            raise TpucError(f'{each.type} layer "{each.name}" reads the blob "{missing[0]}", which nothing before it makes')
        sources = [current[blob] for blob in each.bottom]
        read.update(sources)
        if each.type in IDENTITY_TYPES:
            current |= dict.fromkeys(each.top, sources[0])
            names |= {blob: current[blob] for blob in each.top} | {each.name: sources[0]}
            continue
        outputs = [_output_name(each, blob, inputs, writers, taken) for blob in each.top]
        layers.append(Layer(each.name, each.type, each, sources, outputs, weights.get(each.name, [])))
        current |= dict(zip(each.top, outputs))
        names |= dict(zip(each.top, outputs)) | ({each.name: outputs[0]} if each.name not in current and outputs else {})
    for each in descriptions:
        if each.type == "Silence":
            read.update(current[blob] for blob in each.bottom if blob in current)
    return Net(name, inputs, layers, _ends(layers, read), names | current)


def _output_name(layer: Any, blob: str, inputs: dict[str, Shape], writers: dict[str, int], taken: set[str]) -> str:
    """What a layer writes has the blob's name if nobody overwrites it: earlier values are called BLOB/2, BLOB/1.

    An input keeps its name; what is written over it is named after the layer.
    """
    writers[blob] -= 1
    name = f"{blob}/{writers[blob]}" if writers[blob] else blob
    if blob in inputs:
        name = layer.name
        while name in taken:
            name += "_out"
    taken.add(name)
    return name


def _ends(layers: Sequence[Layer], read: set[str]) -> list[str]:
    """The tensors that nobody reads, in order."""
    return [name for layer in layers for name in layer.outputs if name not in read]
