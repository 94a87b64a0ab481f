"""Compiled files in the vendor's runtime: byte-identical to our simulator."""

from __future__ import annotations

import pytest
from recipes import RECIPES
from workshop import CommandFailed

pytestmark = pytest.mark.vendor
SMALL = ["digits", "mnist_8", "resnet8_cifar10", "ultraface_rfb_320"]
"""Models that the C model runs in 16 bits in seconds; `make tables` has the others."""
CASES = [(name, mode) for name in RECIPES for mode in ("f32", "int8", "int8_asym")] + [
    (name, mode) for name in SMALL for mode in ("f16", "bf16")
]


@pytest.fixture(scope="module")
def runtime(workshop):
    """A workshop where `--runner bmrt` works."""
    workshop.transform("digits")
    workshop.run(workshop.deploy_words("digits", "f32", "probe.bmodel") + " --skip_validation")
    try:
        workshop.run("tpuc run --model probe.bmodel --input digits_in_f32.npz --runner bmrt --output probe.npz")
    except CommandFailed as failed:
        if "no runtime library found" not in str(failed):
            raise
        pytest.skip("the vendor's runtime is not installed: run `make vendor`")
    return workshop


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_outputs_are_the_simulators_byte_for_byte(runtime, name, mode):
    runtime.deploy(name, mode)
    outputs = []
    for runner in ("", "--runner bmrt"):
        runtime.run(
            f"tpuc run --model {name}_{mode}.bmodel --input {name}_in_f32.npz --out_fixed {runner} --output t.npz"
        )
        outputs.append(runtime.npz("t.npz"))
    simulated, executed = outputs
    assert simulated.keys() == executed.keys() and simulated
    for tensor, array in simulated.items():
        assert array.dtype == executed[tensor].dtype and array.tobytes() == executed[tensor].tobytes(), tensor


@pytest.mark.parametrize("mode", ["f32", "f16", "bf16", "int8", "int8_asym"])
def test_outputs_are_the_simulators_on_another_input(runtime, mode):
    runtime.deploy("digits", mode)
    for runner, target in (("", "a.npz"), ("--runner bmrt", "b.npz")):
        runtime.run(f"tpuc run --model digits_{mode}.bmodel --input random:5 --out_fixed {runner} --output {target}")
    ours, theirs = runtime.npz("a.npz"), runtime.npz("b.npz")
    assert {n: a.tobytes() for n, a in ours.items()} == {n: a.tobytes() for n, a in theirs.items()}
