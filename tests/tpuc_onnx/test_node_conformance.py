"""Every node test of the package onnx: those of data/node_cases.txt pass, all others are refused in a sentence, none crashes."""

import string
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tpuc_onnx.plugin import OnnxFrontend

sys.path.insert(0, str(Path(__file__).parent))
from node_conformance import LIST, all_cases, differences, verdict

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.hookspecs import FrontendOptions

MODELS = Path(onnx.__file__).parent / "backend" / "test" / "data"
# models of old exporters that are not imported, or whose data are doubles beyond float32
LEFT_OUT = {
    "MaxPool1d_stride_padding_dilation", "MaxPool2d_stride_padding_dilation", "PReLU_1d_multiparam", "PReLU_2d_multiparam",
    "PReLU_3d_multiparam", "operator_add_broadcast", "operator_add_size1_right_broadcast", "operator_add_size1_singleton_broadcast",
    "operator_addconstant",
}
LISTED = dict(line.split() for line in LIST.read_text(encoding="utf-8").splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("letter", string.ascii_lowercase)
def test_the_node_tests_pass_as_listed(letter):
    cases = {name: case for name, case in all_cases().items() if name.startswith(letter)}
    found = {name: verdict(case) for name, case in cases.items()}
    wanted = {name: LISTED.get(name, "refused") for name in cases}
    assert {n: f for n, f in found.items() if f.partition(":")[0] != wanted[n]} == {}


def test_the_list_is_one_of_many_operators():
    assert len(LISTED) > 1200
    assert {"conv_with_strides_padding", "lstm_defaults", "gru_defaults", "layer_normalization_4d_axis1", "einsum_batch_matmul",
            "attention_4d", "where_example", "top_k", "gather_0", "onehot_with_axis", "scatternd"} <= set(LISTED)


def tensor_of(path: Path) -> np.ndarray:
    return numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes()))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pytorch-converted", "pytorch-operator"])
def test_models_of_old_exporters(kind):
    wrong = {}
    for folder in sorted((MODELS / kind).iterdir()):
        name, data = folder.name.removeprefix("test_"), folder / "test_data_set_0"
        given = [tensor_of(data / f"input_{i}.pb") for i in range(len(list(data.glob("input_*.pb"))))]
        wanted = [tensor_of(data / f"output_{i}.pb") for i in range(len(list(data.glob("output_*.pb"))))]
        try:
            model = OnnxFrontend().load([folder / "model.onnx"], FrontendOptions("net", [a.shape for a in given]))
        except TpucError as error:
            wrong[name] = str(error)
            continue
        names = [op.names[0] for op in model.inputs]
        with np.errstate(all="ignore"):
            found = list(differences(evaluate(model, dict(zip(names, given))), model, wanted))
        if found:
            wrong[name] = found[0]
    assert {n: w for n, w in wrong.items() if n not in LEFT_OUT} == {}
    assert len(wrong) < len(list((MODELS / kind).iterdir())) / 2
