"""Groups of nodes: fused where they are the operator, left alone where they only look like it."""

import numpy as np
import pytest
from tpuc_onnx.graph import Graph
from tpuc_onnx.patterns import fuse_patterns

F = np.float32


def ops_after(model):
    return [node.op for node in fuse_patterns(Graph.from_model(model)).nodes]


def hard_swish(make_model, three=3.0, six=6.0, divisor=6.0):
    nodes = [("Add", ["x", "three"], ["a"], {}), ("Clip", ["a", "zero", "six"], ["c"], {}), ("Mul", ["x", "c"], ["m"], {}),
             ("Div", ["m", "divisor"], ["y"], {})]
    return make_model(nodes, {"x": (1, 4)}, ["y"], {"three": F(three), "zero": F(0), "six": F(six), "divisor": F(divisor)})


def test_hard_swish_of_parts(make_model):
    graph = fuse_patterns(Graph.from_model(hard_swish(make_model)))
    assert [(n.op, n.inputs, n.outputs) for n in graph.nodes] == [("HardSwish", ["x"], ["y"])]


@pytest.mark.parametrize("numbers", [{"three": 2.0}, {"six": 5.0}, {"divisor": 3.0}])
def test_other_numbers_are_no_hard_swish(make_model, numbers):
    assert "HardSwish" not in ops_after(hard_swish(make_model, **numbers))


def test_hard_swish_of_hard_sigmoid(make_model):
    nodes = [("HardSigmoid", ["x"], ["h"], {"alpha": 1 / 6, "beta": 0.5}), ("Mul", ["x", "h"], ["y"], {})]
    assert ops_after(make_model(nodes, {"x": (1, 4)}, ["y"])) == ["HardSwish"]


@pytest.mark.parametrize("order", ["half first", "half last"])
def test_gelu_of_parts(make_model, order):
    start = [("Div", ["x", "root"], ["d"], {}), ("Erf", ["d"], ["e"], {}), ("Add", ["e", "one"], ["p"], {})]
    end = [("Mul", ["x", "half"], ["h"], {}), ("Mul", ["h", "p"], ["y"], {})] if order == "half first" else [
        ("Mul", ["x", "p"], ["h"], {}), ("Mul", ["h", "half"], ["y"], {})]
    weights = {"root": F(2**0.5), "one": F(1), "half": F(0.5)}
    assert ops_after(make_model(start + end, {"x": (1, 4)}, ["y"], weights)) == ["GELU"]


def layer_norm(make_model, square):
    nodes = [("ReduceMean", ["x"], ["m"], {"axes": [-1]}), ("Sub", ["x", "m"], ["d"], {}), square,
             ("ReduceMean", ["s"], ["v"], {"axes": [-1]}), ("Add", ["v", "eps"], ["e"], {}), ("Sqrt", ["e"], ["r"], {}),
             ("Div", ["d", "r"], ["n"], {}), ("Mul", ["n", "gamma"], ["g"], {}), ("Add", ["g", "beta"], ["y"], {})]
    weights = {"eps": F(1e-5), "two": F(2), "gamma": np.ones(4, F), "beta": np.zeros(4, F)}
    return make_model(nodes, {"x": (1, 3, 4)}, ["y"], weights)


@pytest.mark.parametrize("square", [("Pow", ["d", "two"], ["s"], {}), ("Mul", ["d", "d"], ["s"], {})])
def test_layer_norm_of_parts_takes_its_scale_and_bias(make_model, square):
    graph = fuse_patterns(Graph.from_model(layer_norm(make_model, square)))
    node, = graph.nodes
    assert (node.op, node.inputs, node.outputs) == ("LayerNormalization", ["x", "gamma", "beta"], ["y"])
    assert node.get("epsilon") == pytest.approx(1e-5)


def test_inner_nodes_that_others_read_stay(make_model):
    model = hard_swish(make_model)
    model.graph.output.append(type(model.graph.output[0])(name="c"))
    assert ops_after(model) == ["Add", "Clip", "HardSwish"]
