"""The vendor's tools judge the reader and the writer: what they wrote is read, what is written from that runs
as before."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tpuc_bm1684x.bmodel import Section, read_bmodel, write_bmodel
from tpuc_bmrt.session import BmrtSession

from tpuc_core.errors import TpucError

VENDOR = Path(os.environ.get("TPUC_VENDOR") or Path.home() / ".cache" / "tpuc-vendor")
pytestmark = [
    pytest.mark.vendor,
    pytest.mark.skipif(
        not (VENDOR / "bin" / "model_deploy").exists(),
        reason="the vendor's tools are not installed: run `make vendor`",
    ),
]


def vendor(folder: Path, *command: str) -> str:
    environment = dict(os.environ, PATH=f"{VENDOR / 'bin'}{os.pathsep}{os.environ['PATH']}", OMP_NUM_THREADS="1")
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs, two outputs, weights: as .mlir of the vendor."""
    folder = tmp_path_factory.mktemp("network")
    weights = numpy_helper.from_array(np.random.default_rng(1).standard_normal((6, 8, 3, 3)).astype(np.float32), "w")
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["ab"], axis=1),
        helper.make_node("Conv", ["ab", "w"], ["conv"], pads=[1] * 4, kernel_shape=[3, 3], name="conv"),
        helper.make_node("Relu", ["conv"], ["relu"], name="relu"),
        helper.make_node("MaxPool", ["ab"], ["pool"], kernel_shape=[2, 2], strides=[2, 2], name="pool"),
    ]
    ends = {"a": [1, 5, 12, 12], "b": [1, 3, 12, 12], "relu": [1, 6, 12, 12], "pool": [1, 8, 6, 6]}
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in ends.items()]
    graph = helper.make_graph(nodes, "network", infos[:2], infos[2:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(folder / "net.onnx"))
    shapes = "[[1,5,12,12],[1,3,12,12]]"
    command = "model_transform --model_name net --model_def net.onnx --mlir net.mlir --input_shapes"
    vendor(folder, *command.split(), shapes)
    return folder


@pytest.fixture(scope="module", params=["F32", "F16"])
def compiled(request: pytest.FixtureRequest, network: Path) -> Path:
    """A file of the vendor's compiler."""
    file = f"{request.param}.bmodel"
    command = f"model_deploy --mlir net.mlir --chip bm1684x --quantize {request.param} --model {file}"
    vendor(network, *command.split())
    return network / file


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    random = np.random.default_rng(2)
    return {
        "a": random.standard_normal((1, 5, 12, 12)).astype(np.float32),
        "b": random.standard_normal((1, 3, 12, 12)).astype(np.float32),
    }


def rewritten(source: Path, tmp_path: Path) -> Path:
    """A file of our writer with the content of the vendor's, and a section."""
    bmodel = read_bmodel(source)
    bmodel.nets[0].stages[0].section = Section({"name": "net"}, {"blob": bytes(5000)})
    write_bmodel(tmp_path / "ours.bmodel", bmodel)
    return tmp_path / "ours.bmodel"


def test_a_rewritten_file_gives_the_same_bytes(compiled: Path, inputs: dict, tmp_path: Path) -> None:
    with BmrtSession(compiled) as theirs, BmrtSession(rewritten(compiled, tmp_path)) as ours:
        assert (ours.inputs, ours.outputs) == (theirs.inputs, theirs.outputs)
        expected, found = theirs.run(inputs, dequantize=False), ours.run(inputs, dequantize=False)
    assert len(expected) == 2
    assert {name: array.tobytes() for name, array in found.items()} == {
        name: array.tobytes() for name, array in expected.items()
    }


def test_model_tool_describes_a_rewritten_file(compiled: Path, tmp_path: Path) -> None:
    text = vendor(tmp_path, "model_tool", "--info", str(rewritten(compiled, tmp_path)))
    assert "chip: BM1684X" in text
    assert "bmodel is 4k aligned" in text
    assert "net 0: [net]" in text


def test_the_section_survives_model_tool(compiled: Path, tmp_path: Path) -> None:
    vendor(tmp_path, "model_tool", "--combine", str(rewritten(compiled, tmp_path)), "-o", "combined.bmodel")
    section = read_bmodel(tmp_path / "combined.bmodel").section
    assert section == Section({"name": "net"}, {"blob": bytes(5000)})


def test_a_file_encoded_by_hand_runs(bmodel, x: np.ndarray, tmp_path: Path) -> None:
    write_bmodel(tmp_path / "half.bmodel", bmodel)
    with BmrtSession(tmp_path / "half.bmodel") as session:
        np.testing.assert_array_equal(session.run({"x": x})["y"], x + np.float32(0.5))


def test_the_vendor_s_own_words_come_with_a_refusal(compiled: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.bmodel").write_bytes(compiled.read_bytes()[:5000])
    with pytest.raises(TpucError, match="refuses the file"):
        BmrtSession(tmp_path / "cut.bmodel")
