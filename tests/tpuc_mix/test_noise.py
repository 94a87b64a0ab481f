"""The noise of each rounding alone, and what a choice of precisions leaves of it."""

import pickle

import numpy as np
import pytest
from tpuc_mix.causes import Cause, clipped, in_format, quantized, rounded
from tpuc_mix.noise import Noise, NoiseOfSample, observed, relative_power

from tpuc_core.evaluate import Evaluator
from tpuc_core.plan import Precision, TensorQuantization


@pytest.fixture(scope="module")
def noise(task, words):
    measure = NoiseOfSample(task, (Precision.F16, Precision.BF16)).open()
    return Noise.mean(task, [measure(word) for word in words[:8]])


def test_roundings():
    q = TensorQuantization(0.5)
    x = np.float32([0.2, 0.25, -0.25, 0.3, 63.5, 64.2, -70.0])
    assert clipped(x, q).tolist() == pytest.approx([0.2, 0.25, -0.25, 0.3, 63.5, 63.5, -64.0])
    assert rounded(x, q).tolist() == pytest.approx([0.0, 0.5, -0.5, 0.5, 63.5, 64.2, -70.0])
    assert quantized(x, q).tolist() == [0.0, 0.5, -0.5, 0.5, 63.5, 63.5, -64.0]
    zero = TensorQuantization(0.5, 10, is_signed=False)
    assert quantized(np.float32([-5.0, -5.2, 122.5, 130]), zero).tolist() == [-5.0, -5.0, 122.5, 122.5]
    assert in_format(np.float32([1 + 2**-9, 1e5]), Precision.BF16).tolist() == [1.0, 99840.0]
    assert np.isinf(in_format(np.float32([1e5]), Precision.F16)).all()


def test_noise_is_measured_before_a_softmax(task):
    assert observed(task.top) == ["scores"]


def test_what_overflows_counts_as_the_signal():
    assert relative_power(np.float32([np.inf, 1]), np.float32([2, 1])) == 1.0
    assert relative_power(np.float32([3, 1]), np.float32([2, 1])) == pytest.approx(0.2)


def test_every_op_and_tensor_has_its_causes(noise):
    by_cause = {cause: {name for name, c in noise.powers if c is cause} for cause in Cause}
    assert by_cause[Cause.WEIGHTS] == {"first", "depthwise", "project", "scores"}
    assert by_cause[Cause.ROUNDING] >= {"x", "first", "depthwise", "project", "scores"}
    assert "pooled" not in by_cause[Cause.ROUNDING], "a maximum of 8-bit values is one of them"
    assert "flat" not in {name for name, _ in noise.powers}, "a reshape computes nothing"
    assert by_cause[Cause.F16] == by_cause[Cause.BF16] == set(noise.graph.ops)


def test_weight_noise_is_that_of_the_chips_weights(task, words, noise):
    """Put together by hand for one sample: the filter in the lowered model against the float one."""
    measure, evaluator = NoiseOfSample(task).open(), Evaluator(task.top)
    tensors = evaluator.run({"x": np.load(words[0])})
    weight = task.top.weights["project_w"]
    scale = np.abs(weight).max((1, 2, 3), keepdims=True) / 127
    stored = (np.rint(weight / scale) * scale).astype(np.float32)
    changed = evaluator.rerun(tensors, {"project": evaluator.compute("project", tensors, {1: stored})}, ["scores"])
    expected = relative_power(changed["scores"], tensors["scores"])
    assert measure(words[0])["project", Cause.WEIGHTS] == pytest.approx(expected, rel=0.05)


def test_the_sum_is_what_the_chip_computes(task, words, noise):
    """Expected from single roundings, against the interpreter on the same samples: within a factor of two."""
    session, evaluator = task.session({}), Evaluator(task.top)
    measured = []
    for word in words[:8]:
        x = {"x": np.load(word)}
        given = session.run(x, all_tensors=True)["scores"]
        measured.append(relative_power(given, evaluator.run(x, keep=["scores"])["scores"]))
    assert 0.5 < noise.total({}) / np.mean(measured) < 2


def test_a_choice_switches_noise_off(noise):
    nothing = noise.active({})
    one = noise.active({"project": Precision.F32})
    assert nothing.keys() - one.keys() == {("project", Cause.WEIGHTS)}, "its result is still read by an op of 8 bits"
    pair = noise.active({"depthwise": Precision.F32, "project": Precision.F32})
    assert nothing.keys() - pair.keys() == {("project", Cause.WEIGHTS), ("depthwise", Cause.WEIGHTS), ("depthwise", Cause.ROUNDING)} | (
        {("depthwise", Cause.CLIPPING)} & nothing.keys())
    half = noise.active({"project": Precision.BF16})
    assert ("project", Cause.BF16) in half and ("project", Cause.WEIGHTS) not in half


def test_what_moves_values_hands_the_noise_on(noise):
    """The maximum in float does not help as long as its result is read in 8 bits, nor the sum in float as long as the maximum is not."""
    assert "sum" in noise.low_tensors({"sum": Precision.F32})
    assert "sum" in noise.low_tensors({"sum": Precision.F32, "pooled": Precision.F32})
    assert "sum" not in noise.low_tensors(dict.fromkeys(["sum", "pooled", "scores"], Precision.F32))


def test_everything_in_f32_has_no_noise(noise, task):
    assert noise.total(dict.fromkeys(task.movable(Precision.F32), Precision.F32)) == 0


def test_work_is_sent_as_paths(task):
    assert task.top is not None and len(pickle.dumps(NoiseOfSample(task))) < 2000
    assert pickle.loads(pickle.dumps(task)) == task
