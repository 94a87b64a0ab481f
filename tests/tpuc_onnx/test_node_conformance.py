"""Every node test of the package onnx: those of data/node_cases.txt pass, all others are refused in a sentence, none crashes."""

import string
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from node_conformance import LIST, all_cases, verdict

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
