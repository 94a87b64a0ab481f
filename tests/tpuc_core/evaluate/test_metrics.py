import numpy as np
import pytest

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import metrics
from tpuc_core.evaluate.metrics import Figures, Sample, load_metric

SCORES = {"y": np.array([[1.0, 3.0, 2.0, 0.0, -1.0, -2.0]])}


def test_built_in_metrics():
    assert metrics.top1(SCORES, Sample("a", label=1)) == 1.0
    assert metrics.top1(SCORES, Sample("a", label=2)) == 0.0
    assert [metrics.top5(SCORES, Sample("a", label=label)) for label in (4, 5)] == [1.0, 0.0]
    reference = {"other_name": np.array([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]])}
    assert metrics.agreement(SCORES, Sample("a", reference=reference)) == 1.0
    assert metrics.cosine(SCORES, Sample("a", reference=reference)) == pytest.approx(3 / np.sqrt(19))


@pytest.mark.parametrize("metric, message", [
    (metrics.top1, "has no label"), (metrics.cosine, "--reference"), (metrics.agreement, "--reference")])
def test_what_a_metric_lacks(metric, message):
    with pytest.raises(TpucError, match=message):
        metric(SCORES, Sample("cat.jpg"))


def test_a_score_of_the_background_comes_before_that_of_class_0():
    outputs = {"y": np.eye(1, 1001, 6, np.float32)}
    assert metrics.top1(outputs, Sample("a", label=5)) == 1.0 and metrics.top1(outputs, Sample("a", label=6)) == 0.0
    assert metrics.top5(outputs, Sample("a", label=999)) == 0.0


@pytest.mark.parametrize("label", [-1, 6])
def test_a_class_that_the_model_does_not_have(label):
    with pytest.raises(TpucError, match=f"of class {label}"):
        metrics.top1(SCORES, Sample("a", label=label))


def test_an_output_that_is_no_number_is_not_hidden_by_a_good_one():
    good = np.ones((1, 4), np.float32)
    outputs, reference = {"a": good, "b": good * np.nan}, {"a": good, "b": good}
    assert np.isnan(metrics.cosine(outputs, Sample("x", reference=reference)))


def test_a_figure_is_averaged_over_the_samples_that_have_it():
    figures = Figures(lambda outputs, sample: {"all": 1.0, **({"labelled": 4.0} if sample.label is not None else {})})
    for label in (None, 1, None):
        figures.add(SCORES, Sample("x", label=label))
    assert figures.result() == {"all": 1.0, "labelled": 4.0}


def test_a_function_of_a_file(tmp_path):
    (tmp_path / "mine.py").write_text("def both(outputs, sample):\n    return {'a': outputs['y'].max(), 'b': len(sample.source)}\n")
    figures = Figures(load_metric(f"{tmp_path}/mine.py:both"))
    for source in ("x", "xyz"):
        figures.add(SCORES, Sample(source))
    assert figures.result() == {"a": 3.0, "b": 2.0}


def test_a_class_sums_up_by_itself(tmp_path):
    (tmp_path / "mine.py").write_text(
        "class Worst:\n    worst = 9\n    def __call__(self, outputs, sample):\n        self.worst = min(self.worst, sample.label)\n"
        "    def result(self):\n        return self.worst\n")
    figures = Figures(load_metric(f"{tmp_path}/mine.py:Worst"))
    for label in (4, 2, 7):
        figures.add(SCORES, Sample("x", label=label))
    assert figures.result() == {"score": 2.0}


def test_a_function_of_a_module():
    assert load_metric("tpuc_core.evaluate.metrics:top5") is metrics.top5
    assert load_metric("top5") is metrics.top5


@pytest.mark.parametrize("word, message", [
    ("topp1", "did you mean"), ("no.such:f", 'no module "no.such"'), ("gone.py:f", "no such file"),
    ("tpuc_core.evaluate.metrics:gone", 'has no function "gone"'), ("tpuc_core.evaluate.metrics:BUILT_IN", "is no function")])
def test_what_is_no_metric(word, message):
    with pytest.raises(TpucError, match=message):
        load_metric(word)


def test_a_metric_that_gives_no_number():
    with pytest.raises(TpucError, match="where a number"):
        Figures(lambda outputs, sample: "good").add(SCORES, Sample("x"))
