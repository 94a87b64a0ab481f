"""Files go from one tool chain to the other at every step, and the results are the same."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytestmark = pytest.mark.vendor
MODES = {"f32": "--quantize F32", "int8": "--quantize INT8 --calibration_table table"}
LEAST_COSINE = {"f32": 0.9999, "int8": 0.98}


def outputs(folder, model: str, runner: str = "") -> dict[str, np.ndarray]:
    folder.ours(f"tpuc run --model {model} --input in.npz {runner} --output out.npz")
    return folder.npz("out.npz")


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def close_to_float(folder, found: dict[str, np.ndarray], mode: str) -> None:
    (wanted,) = outputs(folder, "net.onnx").values()
    (result,) = found.values()
    assert cosine(result, wanted) >= LEAST_COSINE[mode]


@pytest.mark.parametrize("mode", MODES)
def test_the_vendor_deploys_our_model_with_our_table(from_us, mode):
    from_us.vendors(f"model_deploy --mlir net.mlir --chip bm1684x {MODES[mode]} --model vendor_{mode}.bmodel")
    simulated, executed = (
        outputs(from_us, f"vendor_{mode}.bmodel", runner) for runner in ("--runner simulator", "--runner bmrt")
    )
    assert {n: a.tobytes() for n, a in simulated.items()} == {n: a.tobytes() for n, a in executed.items()}
    close_to_float(from_us, simulated, mode)


@pytest.mark.parametrize("mode", MODES)
def test_we_deploy_the_vendors_model_with_its_table(from_vendor, mode):
    printed = from_vendor.ours(
        f"tpuc deploy --mlir net.mlir --chip bm1684x {MODES[mode]} --test_input in.npz --model ours_{mode}.bmodel"
    )
    assert re.search(r"^proof: (\d+) tensors, \1 equal", printed, re.MULTILINE)
    simulated, executed = (
        outputs(from_vendor, f"ours_{mode}.bmodel", runner) for runner in ("--runner simulator", "--runner bmrt")
    )
    assert {n: a.tobytes() for n, a in simulated.items()} == {n: a.tobytes() for n, a in executed.items()}
    close_to_float(from_vendor, simulated, mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_vendors_model_is_compiled_as_ours_is(from_us, from_vendor, mode):
    for folder in (from_us, from_vendor):
        folder.ours(
            f"tpuc deploy --mlir net.mlir --chip bm1684x {MODES[mode]} --skip_validation --model built_{mode}.bmodel"
        )
    (ours,), (theirs,) = (outputs(folder, f"built_{mode}.bmodel").values() for folder in (from_us, from_vendor))
    assert cosine(ours, theirs) >= 0.999


def test_our_float_evaluation_of_the_vendors_model_is_its_own(from_vendor):
    from_vendor.vendors("model_runner --model net.mlir --input in.npz --dump_all_tensors --output theirs.npz")
    from_vendor.ours("tpuc run --model net.mlir --input in.npz --dump_all_tensors --output ours.npz")
    assert "PASSED" in from_vendor.ours("tpuc npz compare ours.npz theirs.npz --tolerance 0.9999,0.999")


LOWER = [
    "--processor-assign=chip=bm1684x mode=F32 num_device=1 num_core=1 addr_mode=auto",
    "--processor-top-optimize",
    "--convert-top-to-tpu=asymmetric=false weightFileName=lowered_weight.npz",
    "--canonicalize",
]


@pytest.mark.parametrize("passes", [["--shape-infer", "--canonicalize"], LOWER], ids=["top", "lowered"])
def test_the_vendors_passes_run_on_our_text(from_us, passes):
    from_us.vendors_opt(["net.mlir", "--init", *passes, "--deinit", "--mlir-print-debuginfo", "-o", "passed.mlir"])
    close_to_float(from_us, outputs(from_us, "passed.mlir"), "f32")
