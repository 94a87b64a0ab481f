import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from tpuc_onnx import simplify as module
from tpuc_onnx.simplify import cut_outputs, fix_input_shapes, fold_batch_norms, is_plain, simplify

from tpuc_core.errors import TpucError


def run(model, **inputs):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, inputs)[0]


def copy(model):
    return onnx.ModelProto.FromString(model.SerializeToString())


def test_batch_norm_is_folded_into_the_convolution(small_net):
    x = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    wanted = run(small_net, x=x)
    fold_batch_norms(small_net)
    assert [n.op_type for n in small_net.graph.node][:2] == ["Conv", "Relu"]
    assert small_net.graph.node[0].output[0] == "bn"
    assert "gamma" not in {t.name for t in small_net.graph.initializer}
    np.testing.assert_allclose(run(small_net, x=x), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("group", [1, 2])
def test_batch_norm_is_folded_into_a_transposed_convolution(make_model, group):
    rng = np.random.default_rng(2)
    weights = {"w": rng.normal(size=(4, 6 // group, 2, 2)), "g": rng.uniform(0.5, 1, 6), "b": rng.normal(size=6),
               "m": rng.normal(size=6), "v": rng.uniform(0.5, 1, 6)}
    model = make_model([("ConvTranspose", ["x", "w"], ["c"], {"group": group}), ("BatchNormalization", ["c", "g", "b", "m", "v"], ["y"], {})],
                       {"x": (1, 4, 3, 3)}, ["y"], {n: a.astype(np.float32) for n, a in weights.items()})
    x = rng.normal(size=(1, 4, 3, 3)).astype(np.float32)
    wanted = run(model, x=x)
    fold_batch_norms(model)
    assert len(model.graph.node) == 1
    np.testing.assert_allclose(run(model, x=x), wanted, rtol=1e-4, atol=1e-5)


def test_batch_norm_stays_where_the_convolution_has_another_reader(small_net):
    small_net.graph.node[4].input[1] = "c0"
    fold_batch_norms(small_net)
    assert "BatchNormalization" in [n.op_type for n in small_net.graph.node]


def test_open_shapes_are_refused_with_an_example(make_model):
    model = make_model([("Relu", ["x"], ["y"], {})], {"x": ("n", 3, "h", "w")}, ["y"])
    with pytest.raises(TpucError, match=r'input "x" has no fixed shape; give it, for example --input_shapes \[\[1,3,224,224\]\]'):
        fix_input_shapes(model, None)


@pytest.mark.parametrize(("shapes", "message"), [
    ([[1, 3, 8, 8], [1]], "has 2 shapes; the model has 1 inputs: x"),
    ([[3, 8, 8]], 'for input "x", which has 4 dimensions'),
    ([[0, 3, 8, 8]], "every dimension must be positive"),
])
def test_shapes_that_do_not_fit_are_refused(small_net, shapes, message):
    with pytest.raises(TpucError, match=message):
        fix_input_shapes(small_net, shapes)


def test_given_shapes_win_over_those_of_the_file(small_net):
    fix_input_shapes(small_net, [[2, 3, 16, 16]])
    assert [d.dim_value for d in small_net.graph.input[0].type.tensor_type.shape.dim] == [2, 3, 16, 16]


def test_outputs_are_cut_by_either_name(small_net):
    for name in ("r0", "r0_Relu"):
        model = simplify(copy(small_net), None, [name])
        assert [o.name for o in model.graph.output] == ["r0"]
        assert [n.op_type for n in model.graph.node] == ["Conv", "Relu"]
        assert "fc" not in {t.name for t in model.graph.initializer}


def test_an_output_that_is_not_there_is_refused_with_the_nearest(small_net):
    with pytest.raises(TpucError, match='no tensor "R0" in the model; did you mean "r0"'):
        cut_outputs(small_net, ["R0"])


def test_plain_graphs_are_not_given_to_onnxslim(small_net, monkeypatch):
    monkeypatch.setattr(module, "_run_onnxslim", lambda model: pytest.fail("called"))
    assert is_plain(small_net)
    simplify(small_net, None, ())


def test_shape_arithmetic_is_folded_and_large_weights_survive(make_model):
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(64, 100)).astype(np.float32)
    weights = {"w": weight, "i": np.array([0], np.int64), "minus": np.array([-1], np.int64)}
    nodes = [
        ("Shape", ["x"], ["s"], {}), ("Gather", ["s", "i"], ["n"], {"axis": 0}), ("Concat", ["n", "minus"], ["target"], {"axis": 0}),
        ("Reshape", ["x", "target"], ["flat"], {}), ("MatMul", ["flat", "w"], ["y"], {}),
    ]
    model = make_model(nodes, {"x": (2, 4, 16)}, ["y"], weights)
    x = rng.normal(size=(2, 4, 16)).astype(np.float32)
    wanted = run(model, x=x)
    assert not is_plain(model)
    simplified = simplify(model, None, ())
    assert [n.op_type for n in simplified.graph.node] == ["Reshape", "MatMul"]
    kept = next(t for t in simplified.graph.initializer if t.name == "w")
    np.testing.assert_array_equal(numpy_helper.to_array(kept), weight)
    np.testing.assert_array_equal(run(simplified, x=x), wanted)


def test_weights_listed_as_inputs_are_no_inputs(small_net):
    small_net.graph.input.append(onnx.helper.make_tensor_value_info("w0", onnx.TensorProto.FLOAT, (4, 3, 3, 3)))
    assert [i.name for i in simplify(small_net, None, ()).graph.input] == ["x"]
