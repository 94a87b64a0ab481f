import numpy as np
from tpuc_onnx.folding import evaluate_node
from tpuc_onnx.graph import Node


def test_constants_of_every_form():
    assert evaluate_node(Node("Constant", "c", [], ["y"], {"value_ints": [1, 2]}), [], 13)[0].tolist() == [1, 2]
    assert evaluate_node(Node("Constant", "c", [], ["y"], {"value_float": 0.5}), [], 13)[0] == np.float32(0.5)
    assert evaluate_node(Node("Constant", "c", [], ["y"], {"value": np.eye(2)}), [], 13)[0].shape == (2, 2)


def test_a_node_is_evaluated_with_its_attributes_and_absent_inputs():
    node = Node("Concat", "c", ["a", "b"], ["y"], {"axis": 0})
    assert evaluate_node(node, [np.array([1]), np.array([2])], 13)[0].tolist() == [1, 2]
    clip = Node("Clip", "c", ["x", "", "high"], ["y"])
    assert evaluate_node(clip, [np.float32([1, 5]), None, np.float32(2)], 13)[0].tolist() == [1, 2]


def test_random_values_are_no_constants():
    assert evaluate_node(Node("RandomNormal", "r", [], ["y"], {"shape": [2]}), [], 13) is None


def test_an_operator_that_nobody_knows_is_left_alone():
    assert evaluate_node(Node("NoSuchOp", "n", ["x"], ["y"]), [np.zeros(1)], 13) is None
