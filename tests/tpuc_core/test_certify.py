"""Proofs: what counts as the same tensor, and what a certificate says."""

import json

import numpy as np
import pytest

from tpuc_core.certify import certificate, first_difference, prove, tensor_sha256
from tpuc_core.npz import compare


def test_equal_bits_are_no_difference_even_for_nan():
    x = np.array([[1.0, np.nan], [-0.0, np.inf]], np.float32)
    assert first_difference("x", "tpu.Add", x, x.copy()) is None


def test_the_two_zeros_differ():
    difference = first_difference("x", "tpu.Add", np.array([1.0, 0.0], np.float32), np.array([1.0, -0.0], np.float32))
    assert difference.index == (1,) and difference.count == 1


def test_the_first_differing_element_is_named_with_both_values():
    interpreted = np.zeros((1, 2, 3), np.int8)
    simulated = interpreted.copy()
    simulated[0, 1, 1:] = 7
    difference = first_difference("conv", "tpu.Conv2D", interpreted, simulated)
    assert str(difference) == ('tensor "conv" of tpu.Conv2D: other bits; 2 elements differ, the first at [0, 1, 1]: '
                               "0 interpreted, 7 simulated")


@pytest.mark.parametrize("other", [np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.int8)])
def test_other_types_and_shapes_differ(other):
    assert first_difference("x", "tpu.Add", np.zeros((2, 3), np.int8), other) is not None


def test_a_tensor_that_the_file_does_not_compute_breaks_the_proof():
    proof = prove({"x": np.ones(2), "a": np.ones(3), "b": np.ones(3)}, {"x": np.ones(2), "a": np.ones(3)}, {"b": "tpu.Add"}, ["x"])
    assert not proof.holds and proof.equal_count == len(proof.tensors) == 1
    assert "does not compute" in str(proof.differences[0])


def test_no_tensor_at_all_is_no_proof():
    assert not prove({}, {}, {}).holds


def test_a_hash_tells_types_and_shapes_apart():
    x = np.zeros((2, 3), np.int8)
    assert len({tensor_sha256(x), tensor_sha256(x.view(np.uint8)), tensor_sha256(x.reshape(3, 2)), tensor_sha256(x + 1)}) == 4


def test_a_certificate_is_plain_data_with_a_hash_and_a_similarity_for_each_tensor():
    tensors = {"a": np.arange(6, dtype=np.int8).reshape(2, 3)}
    proof = prove(tensors, tensors, {"a": "tpu.Add"})
    report = compare({"a": tensors["a"].astype(np.float32)}, {"a": tensors["a"] + np.float32(0.25)}, 0.9, 0.8)
    data = certificate(proof, report, sources={"mlir": "00"}, inputs={"x": np.zeros(2)}, input_words="random:0")
    assert json.loads(json.dumps(data)) == data
    (entry,) = data["tensors"]
    assert data["holds"] and entry["sha256"] == tensor_sha256(tensors["a"]) and 0.9 < entry["similarity"][0] <= 1
