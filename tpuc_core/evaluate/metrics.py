"""Figures of merit in Python: of this module, of plugins (hook `tpuc_metrics`), and of a user's own file.

A metric is a function of a model's outputs on one sample, and of that sample, that gives a number, higher for better, or
several by name. It is averaged over the samples:

    def top1(outputs, sample):
        scores = next(iter(outputs.values()))
        return float(scores.argmax() == sample.label)

What is no average (mean average precision, say) is a class without arguments: its objects are called in the same way for each
sample, and their method `result()` gives the figures at the end.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_core.errors import TpucError, unknown
from tpuc_core.session import Tensors


@dataclass(frozen=True)
class Sample:
    """What a metric may know beside the outputs. `source`: the words that the inputs were loaded from, a path in most cases;
    `label`: its class where the data set has classes; `reference`: outputs of the reference model where there is one."""

    source: str
    inputs: Tensors = field(default_factory=dict)
    label: int | None = None
    reference: Tensors | None = None


Metric = Callable[[Tensors, Sample], Any]
BACKGROUND_SCORES = 1001
"""So many scores has a network for ImageNet with the background in front: its score for class 0 is the second one."""


def top1(outputs: Tensors, sample: Sample) -> float:
    """1 where the best score of the first output is that of the sample's class."""
    return float(_rank(outputs, sample) == 0)


def top5(outputs: Tensors, sample: Sample) -> float:
    """1 where the class is among the best five."""
    return float(_rank(outputs, sample) < 5)


def cosine(outputs: Tensors, sample: Sample) -> float:
    """The least cosine similarity of an output to the reference's."""
    return float(np.min([_cosine(outputs[name], wanted) for name, wanted in _reference(outputs, sample).items()]))  # also of NaNs


def agreement(outputs: Tensors, sample: Sample) -> float:
    """1 where the best score of the first output is where the reference has it: top-1 without labels."""
    wanted = next(iter(_reference(outputs, sample).values()))
    return float(int(next(iter(outputs.values())).argmax()) == int(wanted.argmax()))


BUILT_IN: dict[str, Metric] = {"top1": top1, "top5": top5, "cosine": cosine, "agreement": agreement}


def _rank(outputs: Tensors, sample: Sample) -> int:
    if sample.label is None:
        raise TpucError(f'"{sample.source}" has no label; give the samples as a folder for each class, or with --labels')
    scores = next(iter(outputs.values())).reshape(-1).astype(np.float64)
    place = sample.label + int(scores.size == BACKGROUND_SCORES)
    if not 0 <= sample.label <= place < scores.size:
        raise TpucError(f'"{sample.source}" is of class {sample.label}, the model has {scores.size} scores')
    order = np.argsort(-scores, kind="stable")
    return int(np.flatnonzero(order == place)[0])


def _reference(outputs: Tensors, sample: Sample) -> Tensors:
    """The reference's outputs by the names of the model's, which are those of the same place."""
    if sample.reference is None:
        raise TpucError("this metric compares with a reference; give one with --reference MODEL")
    if len(outputs) != len(sample.reference):
        raise TpucError(f"the model has {len(outputs)} outputs, the reference {len(sample.reference)}")
    return dict(zip(outputs, sample.reference.values()))


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    x, y = a.reshape(-1).astype(np.float64), b.reshape(-1).astype(np.float64)
    if x.size != y.size:
        raise TpucError(f"an output of {x.size} elements cannot be compared with one of {y.size}")
    norm = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / norm if norm else float(np.array_equal(x, y))


def load_metric(word: str) -> Metric:
    """The metric of that name, or the function or class `NAME` of `package.module:NAME` or `path/to/file.py:NAME`.

    Raises TpucError: an unknown name, no such module, file or function.
    """
    if ":" not in word:
        from tpuc_core.plugins import plugins

        known = BUILT_IN | plugins().metrics
        if word not in known:
            raise unknown("metric", word, known)
        return _ready(known[word])
    place, _, name = word.rpartition(":")
    module = _module_of_file(Path(place)) if place.endswith(".py") else _module(place)
    if not hasattr(module, name):
        raise TpucError(f'"{place}" has no function "{name}"')
    return _ready(getattr(module, name))


def _ready(metric: Any) -> Metric:
    ready = metric() if inspect.isclass(metric) else metric
    if not callable(ready):
        raise TpucError(f'metric "{metric}" is no function of (outputs, sample)')
    return ready


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TpucError(f'no module "{name}" to take a metric from: {error}') from error


def _module_of_file(path: Path) -> Any:
    specification = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if specification is None or specification.loader is None:
        raise TpucError(f'no such file: "{path}"')
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except Exception as error:
        raise TpucError(f'"{path}" cannot be loaded: {_words(error)}') from error
    return module


class Figures:
    """What a metric says about the samples so far."""

    def __init__(self, metric: Metric):
        self._metric = metric
        self._name = getattr(metric, "__name__", type(metric).__name__)
        self._given: dict[str, list[float]] = {}

    def add(self, outputs: Tensors, sample: Sample) -> None:
        """Take in one sample. Raises TpucError for a metric that fails, or gives something else than numbers."""
        given = self._asked(f'on "{sample.source}"', self._metric, outputs, sample)
        if given is None and not hasattr(self._metric, "result"):
            raise TpucError(f'the metric "{self._name}" gave no figure on "{sample.source}": a number, or numbers by name, are wanted')
        for name, value in ({} if given is None else _by_name(given)).items():
            self._given.setdefault(name, []).append(value)

    def result(self) -> dict[str, float]:
        """The figures by name: averages over the samples that they were given for, or what the metric's own `result` says."""
        result = getattr(self._metric, "result", None)
        if result is not None:
            return _by_name(self._asked("at the end", result))
        return {name: sum(values) / len(values) for name, values in self._given.items()}

    def _asked(self, place: str, function: Callable, *arguments: Any) -> Any:
        """What a user's code gives. Raises TpucError where it raises."""
        try:
            return function(*arguments)
        except TpucError:
            raise
        except Exception as error:
            raise TpucError(f'the metric "{self._name}" fails {place}: {_words(error)}') from error


def _words(error: Exception) -> str:
    """An error of a user's code in one line."""
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _by_name(given: Any) -> dict[str, float]:
    try:
        if isinstance(given, Mapping):
            return {str(name): float(value) for name, value in given.items()}
        return {"score": float(given)}
    except (TypeError, ValueError) as error:
        raise TpucError(f"the metric gave {given!r} where a number, or numbers by name, are wanted") from error
