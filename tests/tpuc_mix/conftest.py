"""A small classifier with its calibration table and samples, in a directory of its own."""

import numpy as np
import pytest
from tpuc_mix.task import Task

from tpuc_core.evaluate import Evaluator
from tpuc_core.ir import Model, save_model, tensor_type, top
from tpuc_core.passes.calibration_table import CalibrationTable, rows_of

SHAPE = (1, 4, 8, 8)


class Net:
    """Builds ops one after the other, with random weights."""

    def __init__(self):
        self.model = Model.new("net", "ONNX", [tensor_type(SHAPE)])
        self.block = self.model.main.body.block
        self.generator = np.random.default_rng(5)

    def add(self, op):
        self.block.add_op(op)
        return op.results[0]

    def weight(self, name, shape, factor=1.0):
        self.model.weights[name] = (factor * self.generator.standard_normal(shape)).astype(np.float32)
        return self.add(top.WeightOp.make(name, [], tensor_type(shape)))

    def conv(self, name, x, shape, out, group=1, do_relu=True):
        weight, bias = self.weight(f"{name}_w", shape, 0.5), self.weight(f"{name}_b", shape[:1], 0.1)
        pad = shape[2] // 2
        return self.add(top.ConvOp.make(name, [x, weight, bias], tensor_type(out), kernel_shape=list(shape[2:]), strides=[1, 1],
                                        pads=[pad] * 4, dilations=[1, 1], group=group, do_relu=do_relu))


def build(prefix=""):
    """x -> first (conv, relu) -> depthwise -> project -> sum with first -> pooled -> flat -> scores -> probabilities."""
    net = Net()
    x = net.add(top.InputOp.make(f"{prefix}x", [net.block.args[0]], tensor_type(SHAPE)))
    first = net.conv(f"{prefix}first", x, (8, 4, 3, 3), (1, 8, 8, 8))
    depthwise = net.conv(f"{prefix}depthwise", first, (8, 1, 3, 3), (1, 8, 8, 8), group=8)
    project = net.conv(f"{prefix}project", depthwise, (8, 8, 1, 1), (1, 8, 8, 8), do_relu=False)
    total = net.add(top.AddOp.make(f"{prefix}sum", [first, project], tensor_type((1, 8, 8, 8)), do_relu=False))
    pooled = net.add(top.MaxPoolOp.make(f"{prefix}pooled", [total], tensor_type((1, 8, 4, 4)), kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4))
    flat = net.add(top.ReshapeOp.make(f"{prefix}flat", [pooled], tensor_type((1, 128)), shape=[1, 128]))
    right, bias = net.weight(f"{prefix}scores_w", (128, 5), 0.1), net.weight(f"{prefix}scores_b", (5,), 0.1)
    scores = net.add(top.MatMulOp.make(f"{prefix}scores", [flat, right, bias], tensor_type((1, 5))))
    net.model.set_outputs([net.add(top.SoftmaxOp.make(f"{prefix}probabilities", [scores], tensor_type((1, 5)), axis=1))])
    return net.model


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """net.mlir, table, samples/{0..4}/*.npy in a folder for each class that the float model gives them, list.txt."""
    directory = tmp_path_factory.mktemp("mix")
    model = build()
    save_model(model, directory / "net.mlir")
    renamed = build("other_")
    save_model(renamed, directory / "renamed.mlir")
    evaluator, generator = Evaluator(model), np.random.default_rng(9)
    ranges, paths = {}, []
    for index in range(24):
        x = generator.standard_normal(SHAPE).astype(np.float32)
        tensors = evaluator.run({"x": x})
        for name, array in tensors.items():
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = (min(low, float(array.min())), max(high, float(array.max())))
        paths.append(directory / "samples" / f"{index}.npy")
        paths[-1].parent.mkdir(exist_ok=True)
        np.save(paths[-1], x)
    rows = rows_of((name, max(-low, high), low, high) for name, (low, high) in ranges.items())
    CalibrationTable(rows, ["model: net"]).write(directory / "table")
    (directory / "list.txt").write_text("".join(f"{path}\n" for path in paths))
    return directory


@pytest.fixture(scope="session")
def task(folder):
    return Task(folder / "net.mlir", folder / "table")


@pytest.fixture(scope="session")
def words(folder):
    return (folder / "list.txt").read_text().split()
