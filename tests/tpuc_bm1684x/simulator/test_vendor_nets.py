"""Files that the vendor's compiler made give the bytes that its runtime gives."""

from pathlib import Path

import numpy as np
import pytest
import tpuc_kernels
from tpuc_bm1684x.simulator.simulator import Simulator
from vendor_nets import DATA, GOLDEN, NETS, OPTIONS, ROOT, compile_net, prepare, vendor_outputs


def assert_same_bytes(found, expected):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].tobytes() == array.tobytes(), f"{name} differs"


def golden(name: str, mode: str) -> tuple[Path, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """File, inputs and expected outputs of data/."""
    stem = f"{name}_{mode.lower()}"
    with np.load(DATA / f"{stem}.npz") as arrays:
        parts = [
            {key[len(kind) :]: arrays[key] for key in arrays.files if key.startswith(kind)} for kind in ("in:", "out:")
        ]
    return DATA / f"{stem}.bmodel", *parts


@pytest.fixture(params=[(1, True), (2, True), (2, False)], ids=["one thread", "two threads", "plain C"])
def kernels(request):
    """The ways in which kernels run: results do not depend on them."""
    threads = tpuc_kernels.get_threads()
    tpuc_kernels.set_threads(request.param[0])
    tpuc_kernels.set_simd(request.param[1])
    yield
    tpuc_kernels.set_simd(True)
    tpuc_kernels.set_threads(threads)


@pytest.mark.parametrize("name, mode", GOLDEN)
def test_kept_files_give_the_bytes_of_the_vendors_runtime(name, mode, kernels):
    path, inputs, expected = golden(name, mode)
    simulator = Simulator(path)
    for _ in range(2):  # the second run finds the memories as the first left them, and packed weights
        assert_same_bytes(simulator.run(inputs, dequantize=False), expected)


@pytest.mark.vendor
@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_every_mode_gives_the_bytes_of_the_vendors_runtime(name, tmp_path):
    if not (ROOT / "bin" / "model_deploy").exists():
        pytest.skip(f"the vendor's tools are not in {ROOT}: run `make vendor`, or set TPUC_VENDOR")
    inputs = prepare(name, tmp_path / "net")
    for mode in OPTIONS:
        path = compile_net(tmp_path / "net", mode)
        assert_same_bytes(Simulator(path).run(inputs, dequantize=False), vendor_outputs(path, inputs))
