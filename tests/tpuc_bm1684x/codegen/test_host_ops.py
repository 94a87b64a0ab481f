"""A DetectionOutput at the end of a net is computed behind the chip, by interpreter and simulator alike."""

import json

import nets
import numpy as np
import pytest
from tpuc_bm1684x.bmodel import read_bmodel
from tpuc_bm1684x.bmodel.host import host_part_of
from tpuc_bm1684x.bmodel.section import Section
from tpuc_bm1684x.bmodel.writer import write_bmodel
from tpuc_bm1684x.chip import Bm1684x
from tpuc_bm1684x.simulator.simulator import Simulator, tensor_info

from tpuc_core.errors import TpucError
from tpuc_core.host_ops import end_before_host_ops
from tpuc_core.host_part import HostPart, completed
from tpuc_core.ir import tensor_name

BOXES, CLASSES = 12, 3


def detector(*, reads_input: bool = False) -> tuple[nets.Net, list]:
    """Locations and scores out of two matrices; the locations are an output too. Net and outputs."""
    net = nets.Net((1, 8), (1, BOXES * 4))
    x, given = net.values[0], net.values[1]
    scores = net.op("Sigmoid", [net.op("MatMul", [x, net.weight("ws", (8, BOXES * CLASSES)), None], (1, BOXES * CLASSES))], (1, BOXES * CLASSES))
    offsets = given if reads_input else net.op("AddConst", [given], (1, BOXES * 4), const_val=0.5)
    corners = net.rng.uniform(0, 0.5, (BOXES, 2)).astype(np.float32)
    priors = np.stack([np.hstack([corners, corners + 0.4]).ravel(), np.full(BOXES * 4, 0.1)])[None].astype(np.float32)
    weight = net.weight("priors", priors.shape)
    net.model.weights["priors"] = priors
    found = net.op("DetectionOutput", [offsets, scores, weight], (1, 1, 6, 7), num_classes=CLASSES, code_type="CENTER_SIZE", top_k=9,
                   keep_top_k=6, confidence_threshold=0.2, nms_threshold=0.4)
    return net, [found, offsets] if not reads_input else [found]


@pytest.mark.parametrize("mode", ["F32", "INT8", "INT8_ASYM"])
@pytest.mark.parametrize("reads_input", [False, True])
def test_interpreter_and_simulator_agree(prove, mode, reads_input):
    net, outputs = detector(reads_input=reads_input)
    final, tensors = prove(net.lowered(mode, *outputs))
    boxes = next(array for name, array in tensors.items() if name.startswith("DetectionOutput"))
    assert (boxes[0, 0, :, 2] > 0.2).any()
    functions = [f.sym_name.data for f in final.functions]
    assert functions == ["main", "subfunc_0", "subfunc_1"]
    assert "CPU" in str(final.functions[2].attributes["mode"]) and "TPU_STATIC" in str(final.functions[1].attributes["mode"])


def test_the_file_has_what_the_chip_gives_as_outputs_and_the_rest_in_its_section(compiled):
    net, outputs = detector()
    path, _ = compiled(net.lowered("F32", *outputs))
    stage = next(read_bmodel(path).stages())
    part = host_part_of(stage)
    assert part is not None and [op.kind for op in part.ops] == ["DetectionOutput"]
    assert [t.name for t in stage.outputs] == [tensor_name(outputs[1]), part.ops[0].operands[1]]
    simulator = Simulator(path)
    assert [info.name for info in simulator.outputs] == part.outputs == [tensor_name(v) for v in outputs]
    assert "is computed behind the chip, which gives" in simulator.notes[0]
    inputs = nets.samples(net.model)
    assert list(simulator.run(inputs)) == part.outputs


def test_another_runner_of_the_chips_part_is_completed(compiled):
    net, outputs = detector()
    path, _ = compiled(net.lowered("F32", *outputs))
    whole, chip = Simulator(path), Simulator(path)
    chip.host, chip.outputs = None, [tensor_info(tensor, is_input=False) for tensor in chip.stage.outputs]
    assert set(chip.run(nets.samples(net.model))) == {info.name for info in chip.outputs}
    session = completed(chip, path)
    for name, array in session.run(nets.samples(net.model)).items():
        np.testing.assert_array_equal(array, whole.run(nets.samples(net.model))[name])
    assert [info.name for info in session.outputs] == [info.name for info in whole.outputs]


def test_a_damaged_word_about_host_ops_is_not_taken_for_none(compiled):
    net, outputs = detector()
    path, _ = compiled(net.lowered("F32", *outputs))
    session, bmodel = Simulator(path), read_bmodel(path)
    stage = next(bmodel.stages())
    content = {**stage.section.content, "host": {"ops": []}}
    stage.section = Section(content, stage.section.blobs)
    write_bmodel(path, bmodel)
    with pytest.raises(TpucError, match="damaged"):
        completed(session, path)


def test_a_file_without_host_ops_is_left_alone(compiled, tmp_path):
    net = nets.Net((1, 4))
    net.op("Relu", [net.values[0]], (1, 4))
    path, _ = compiled(net.lowered("F32"))
    simulator = Simulator(path)
    assert completed(simulator, path) is simulator and simulator.notes == []
    (tmp_path / "foreign").write_text("no bmodel")
    assert completed(simulator, tmp_path / "foreign") is simulator


def test_results_that_other_ops_read_end_the_model_before():
    net, (found, _) = detector()
    last = net.op("Relu", [found], (1, 1, 6, 7))
    net.model.set_outputs([last])
    assert Bm1684x().supports(found.owner, "F32") is not None
    assert end_before_host_ops(net.model, Bm1684x()).startswith(f'left to the host: "{tensor_name(found)}" (top.DetectionOutput), ')
    net, outputs = detector()
    net.model.set_outputs(outputs)
    assert end_before_host_ops(net.model, Bm1684x()) == ""


@pytest.mark.parametrize(("content", "message"), [
    ({"ops": [{"kind": "X"}], "outputs": []}, "is damaged"), ({"outputs": []}, "is damaged"),
    ({"ops": [{"kind": "Dance", "attributes": {}, "operands": [], "name": "y", "shape": [1]}], "outputs": ["y"]}, "cannot compute Dance"),
    ({"ops": [{"kind": "DetectionOutput", "attributes": {}, "operands": ["x"], "name": "y", "shape": [1]}], "outputs": ["y"]}, 'reads "x"'),
])  # fmt: skip
def test_a_section_that_says_nonsense_is_refused(content, message):
    with pytest.raises(TpucError, match=message):
        HostPart(json.loads(json.dumps(content)), {}).run({})
    with pytest.raises(TpucError, match='an output "z" that nothing makes'):
        HostPart({"ops": [], "outputs": ["z"]}, {}).ends([])
