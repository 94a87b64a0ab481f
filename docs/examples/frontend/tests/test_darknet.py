from pathlib import Path

import numpy as np
import pytest
from tpuc_darknet.plugin import DarknetFrontend

from tpuc_core.errors import TpucError
from tpuc_core.hookspecs import FrontendOptions
from tpuc_core.testing import check_frontend

NET = """
[net]
width=32
height=24
channels=3

[convolutional]  # layer 0
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky

[maxpool]
size=2
stride=2

[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=mish

[shortcut]
from=-2
activation=linear

[maxpool]
size=2
stride=2

[upsample]
stride=2

[route]
layers=-1,-3

[convolutional]
filters=10
size=1
stride=1
pad=1
activation=linear

[avgpool]
[softmax]
"""
NUMBERS = (4 * 8 + 8 * 3 * 9, 4 * 8 + 8 * 8 * 9, 10 + 10 * 16)


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    graph, weights = tmp_path / "net.cfg", tmp_path / "net.weights"
    graph.write_text(NET)
    numbers = np.abs(np.random.default_rng(0).standard_normal(sum(NUMBERS))).astype("<f4") * 0.1 + 0.05
    weights.write_bytes(np.array([0, 2, 5, 0, 0], "<i4").tobytes() + numbers.tobytes())
    return [graph, weights]


def test_every_tensor_is_what_opencv_computes(files):
    report = check_frontend(DarknetFrontend(), files, FrontendOptions("net"))
    assert {"pool_1", "shortcut_3", "concat_6", "avgpool_8", "softmax_9"} <= {c.name for c in report.comparisons}


def test_the_weights_beside_the_graph_are_found(files):
    assert DarknetFrontend().load(files[:1], FrontendOptions("net")).name == "net"


def test_a_layer_that_is_not_imported_is_named(files):
    files[0].write_text(NET + "[yolo]\n")
    with pytest.raises(TpucError, match=r"layer 10 is a \[yolo\]"):
        DarknetFrontend().load(files, FrontendOptions("net"))


def test_weights_that_end_too_early_are_refused(files):
    files[1].write_bytes(files[1].read_bytes()[:-4])
    with pytest.raises(TpucError, match="ends too early: 160 numbers are wanted where 159 are left"):
        DarknetFrontend().load(files, FrontendOptions("net"))
