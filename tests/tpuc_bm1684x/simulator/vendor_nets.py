"""Small nets, compiled by the vendor's tools and run by its runtime: what the simulator is compared with.

python tests/tpuc_bm1684x/simulator/vendor_nets.py    makes data/* again (needs the vendor's tools)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
DATA = Path(__file__).parent / "data"
GOLDEN = [("residual", "INT8"), ("residual", "F32"), ("dense", "ASYMMETRIC"), ("functions", "F32")]
"""The files in data/."""
OPTIONS = {
    "F32": ["--quantize", "F32"],
    "INT8": ["--quantize", "INT8"],
    "ASYMMETRIC": ["--quantize", "INT8", "--asymmetric"],
    "BORDER": ["--quantize", "INT8", "--quant_input", "--quant_output"],
}


class Graph:
    """Appends nodes; every method returns the name of its output."""

    def __init__(self, seed: int, shape: list[int]):
        self.rng = np.random.default_rng(seed)
        self.shape, self.nodes, self.weights = shape, [], []

    def weight(self, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        array = self.rng.standard_normal(shape).astype(np.float32) / max(1, int(np.prod(shape[1:]))) ** 0.5
        self.weights.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def conv(self, x: str, channels: tuple[int, int], kernel: int = 3, stride: int = 1, group: int = 1) -> str:
        weight = self.weight(channels[1], channels[0] // group, kernel, kernel)
        return self.node(
            "Conv",
            x,
            weight,
            self.weight(channels[1]),
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=group,
        )

    def model(self, *outputs: str) -> onnx.ModelProto:
        float_value = helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)
        graph = helper.make_graph(
            self.nodes,
            "net",
            [float_value],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        return onnx.shape_inference.infer_shapes(model)


def residual() -> onnx.ModelProto:
    g = Graph(1, [1, 3, 18, 20])
    x = g.node("MaxPool", g.node("Relu", g.conv("x", (3, 16), stride=2)), kernel_shape=[2, 2], strides=[2, 2])
    y = g.node("Relu", g.node("Add", g.conv(g.node("Relu", g.conv(x, (16, 24))), (24, 16), kernel=1), x))
    z = g.node("Flatten", g.node("GlobalAveragePool", g.conv(y, (16, 16), kernel=5, group=16)))
    return g.model(g.node("Gemm", z, g.weight(10, 16), g.weight(10), transB=1))


def dense() -> onnx.ModelProto:
    g = Graph(2, [4, 50])
    x = g.node("Relu", g.node("Gemm", "x", g.weight(40, 50), g.weight(40), transB=1))
    return g.model(g.node("Softmax", g.node("Gemm", x, g.weight(10, 40), g.weight(10), transB=1), axis=-1))


def functions() -> onnx.ModelProto:
    g = Graph(3, [1, 4, 9, 10])
    return g.model(g.node("Sigmoid", "x"), g.node("Tanh", "x"), g.node("Sqrt", g.node("Abs", "x")), g.node("Erf", "x"))


def shapes() -> onnx.ModelProto:
    g = Graph(4, [2, 8, 8, 9])
    y = g.node("ConvTranspose", "x", g.weight(8, 6, 4, 4), kernel_shape=[4, 4], strides=[2, 2], pads=[1] * 4)
    return g.model(
        y,
        g.node("Transpose", "x", perm=[0, 2, 3, 1]),
        g.node("ReduceMax", "x", axes=[1], keepdims=1),
        g.node("AveragePool", "x", kernel_shape=[2, 3], strides=[2, 2]),
    )


def wide() -> onnx.ModelProto:
    """More channels than lanes, and weights that do not fill a group."""
    g = Graph(5, [1, 70, 9, 7])
    return g.model(g.node("Relu", g.conv(g.node("LeakyRelu", g.conv("x", (70, 130)), alpha=0.1), (130, 66), stride=2)))


NETS: dict[str, Callable[[], onnx.ModelProto]] = {f.__name__: f for f in (residual, dense, functions, shapes, wide)}


def inputs_of(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Random inputs, always the same."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return {"x": np.random.default_rng(9).standard_normal(shape).astype(np.float32)}


def run_tool(folder: Path, *command: str) -> None:
    """A tool of the vendor's, in a folder. RuntimeError with its last words."""
    env = dict(os.environ, PATH=f"{ROOT / 'bin'}{os.pathsep}{os.environ['PATH']}", OMP_NUM_THREADS="1")
    done = subprocess.run(
        [str(ROOT / "bin" / command[0]), *command[1:]], cwd=folder, env=env, capture_output=True, text=True, timeout=300
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {(done.stdout + done.stderr)[-800:]}")


def prepare(name: str, folder: Path) -> dict[str, np.ndarray]:
    """Net, inputs and calibration table of a net, in a new folder."""
    model = NETS[name]()
    inputs = inputs_of(model)
    (folder / "data").mkdir(parents=True)
    onnx.save(model, str(folder / "net.onnx"))
    np.savez(folder / "in.npz", **inputs)
    np.savez(folder / "data" / "0.npz", **inputs)
    run_tool(
        folder,
        "model_transform",
        "--model_name",
        "net",
        "--model_def",
        "net.onnx",
        "--mlir",
        "net.mlir",
        "--input_shapes",
        json.dumps([list(v.shape) for v in inputs.values()]),
    )
    run_tool(folder, "run_calibration", "net.mlir", "--dataset", "data", "--input_num", "1", "-o", "table")
    return inputs


def compile_net(folder: Path, mode: str) -> Path:
    """The bmodel of a prepared net."""
    table = [] if mode == "F32" else ["--calibration_table", "table"]
    run_tool(
        folder,
        "model_deploy",
        "--mlir",
        "net.mlir",
        "--chip",
        "bm1684x",
        *OPTIONS[mode],
        *table,
        "--model",
        f"{mode}.bmodel",
    )
    return folder / f"{mode}.bmodel"


def vendor_outputs(bmodel: Path, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the vendor's runtime computes, as stored."""
    from tpuc_bmrt.session import BmrtSession

    with BmrtSession(bmodel, 120) as session:
        return session.run(inputs, dequantize=False)


def main() -> None:
    import tempfile

    from tpuc_bm1684x.bmodel import read_bmodel, write_bmodel

    with tempfile.TemporaryDirectory() as root:
        for name, mode in GOLDEN:
            folder = Path(root) / name
            inputs = inputs_of(NETS[name]()) if folder.exists() else prepare(name, folder)
            bmodel = compile_net(folder, mode)
            outputs = vendor_outputs(bmodel, inputs)
            write_bmodel(DATA / f"{name}_{mode.lower()}.bmodel", read_bmodel(bmodel))
            np.savez_compressed(
                DATA / f"{name}_{mode.lower()}.npz",
                **{f"in:{k}": v for k, v in inputs.items()},
                **{f"out:{k}": v for k, v in outputs.items()},
            )


if __name__ == "__main__":
    sys.exit(main())
