"""The file that codegen writes."""

import pytest
from nets import Net
from tpuc_bm1684x.bmodel import read_bmodel
from tpuc_bm1684x.passes.codegen import Codegen

from tpuc_core.errors import TpucError
from tpuc_core.ir import State
from tpuc_core.passes import run_passes


@pytest.fixture
def lowered():
    net = Net((1, 8, 12, 12))
    net.op("Relu", [net.conv(net.values[0], 16, 3, pad=1)], (1, 16, 12, 12))
    return net.lowered("INT8")


def test_two_builds_give_the_same_bytes(compiled, lowered):
    first, _ = compiled(lowered, "first")
    second, _ = compiled(lowered, "second")
    assert first.read_bytes() == second.read_bytes()


def test_weights_inputs_and_every_tensor_are_described(compiled, lowered):
    path, _ = compiled(lowered)
    stage = read_bmodel(path).nets[0].stages[0]
    assert [w.name for w in stage.weights] and [t.name for t in stage.inputs] == ["in0"]
    names = {entry["name"] for entry in stage.section.content["tensors"]}
    assert {op.names[0] for op in lowered.ops()} <= names


def test_a_model_that_is_not_addressed_is_refused(lowered):
    with pytest.raises(TpucError, match=r"codegen.*TPU_ADDRESSED.*TPU_LOWERED"):
        run_passes(lowered, [Codegen("x.bmodel")])


def test_no_file_name_is_one_sentence(compiled, lowered):
    _, final = compiled(lowered)
    assert final.state is State.TPU_ADDRESSED
    with pytest.raises(TpucError, match=r"model_file=NAME\.bmodel"):
        run_passes(final, [Codegen()])
