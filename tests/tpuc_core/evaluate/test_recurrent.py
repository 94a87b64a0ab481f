"""LSTM and GRU beside onnxruntime, in both layouts and directions."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

STEPS, BATCH, INPUTS, HIDDEN = 5, 2, 3, 4


def onnxruntimes(kind, operands, names, **attributes):
    """Every result of a node: Y, Y_h and, of an LSTM, Y_c."""
    given = {n: x for n, x in zip(names, operands) if x is not None}
    results = ["Y", "Y_h", "Y_c"][: 3 if kind == "LSTM" else 2]
    node = helper.make_node(kind, [n if n in given else "" for n in names], results, hidden_size=HIDDEN, **attributes)
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in given.items()]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in results]
    model = helper.make_model(helper.make_graph([node], "g", values, outputs), opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)


@pytest.mark.parametrize("has_more", [False, True])
@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3)])
def test_every_result_is_onnxruntimes(kind, gates, direction, has_more, run_op, normal):
    directions = 2 if direction == "bidirectional" else 1
    x, w, r = normal(STEPS, BATCH, INPUTS), normal(directions, gates * HIDDEN, INPUTS), normal(directions, gates * HIDDEN, HIDDEN)
    state = (directions, BATCH, HIDDEN)
    bias, h, c = (normal(directions, 2 * gates * HIDDEN), normal(*state), normal(*state)) if has_more else (None, None, None)
    more = {"linear_before_reset": int(has_more)} if kind == "GRU" else {}
    states = [h, c] if kind == "LSTM" else [h]
    expected = onnxruntimes(kind, [x, w, r, bias, None, *states], ["x", "w", "r", "b", "lengths", "h", "c"][: 5 + len(states)],
                            direction=direction, **more)
    shapes = [(STEPS, directions, BATCH, HIDDEN), *[state] * len(states)]
    got = run_op(kind, [x, w, r, bias, *states], shapes, bidirectional=directions == 2, hidden_size=HIDDEN, **more)
    for found, wanted in zip(got, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_batch_first_only_turns_the_dims(run_op, normal):
    x, w, r, h = normal(STEPS, BATCH, INPUTS), normal(1, 3 * HIDDEN, INPUTS), normal(1, 3 * HIDDEN, HIDDEN), normal(1, BATCH, HIDDEN)
    shapes = [(STEPS, 1, BATCH, HIDDEN), (1, BATCH, HIDDEN)]
    y, end = run_op("GRU", [x, w, r, None, h], shapes, hidden_size=HIDDEN)
    turned, turned_end = run_op("GRU", [x.swapaxes(0, 1), w, r, None, h.swapaxes(0, 1)], shapes, hidden_size=HIDDEN, batch_first=True)
    np.testing.assert_array_equal(turned, y.transpose(2, 0, 1, 3))
    np.testing.assert_array_equal(turned_end, end.swapaxes(0, 1))


def test_a_sigmoid_of_a_tensor_without_axes(run_op):
    assert run_op("Sigmoid", [np.float32(0)], ()) == 0.5
    assert run_op("SiLU", [np.float32(0)], ()) == 0
