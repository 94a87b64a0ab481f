"""Mixed models measured for what they are: the interpreter's outputs on samples, and cycles of the compiled file."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tpuc_core.deploy import load_inputs_of
from tpuc_core.errors import TpucError
from tpuc_core.evaluate import FloatSession
from tpuc_core.evaluate.metrics import Figures, Sample, load_metric
from tpuc_core.evaluate.scoring import Source
from tpuc_core.parallel import Workers
from tpuc_core.plan import Precision
from tpuc_core.progress import progress
from tpuc_core.session import Tensors
from tpuc_mix.task import Choice, Task


@dataclass(frozen=True)
class OutputsOfSample:
    """Work for tpuc_core.parallel: the outputs of the mixed model, or of the float one where `choice` is None."""

    task: Task
    choice: tuple[tuple[str, Precision], ...] | None
    is_thread_safe: bool = True

    def open(self) -> Callable[[str], Tensors]:
        top = self.task.top
        session = FloatSession(top) if self.choice is None else self.task.session(dict(self.choice))
        return lambda words: session.run(load_inputs_of(top, words.split(",")))


@dataclass(frozen=True)
class Goal:
    """A metric, which of its figures counts ("" where there is one), and how far it may fall: to `least`, or by `drop` from the
    float model's."""

    metric: str = "cosine"
    figure: str = ""
    least: float | None = None
    drop: float | None = None

    def limit(self, of_float: float) -> float:
        """The least value that will do."""
        if self.least is not None:
            return self.least
        return of_float - (self.drop or 0.0) - 1e-9

    def value(self, figures: dict[str, float]) -> float:
        """The figure that counts; one that is no number reaches nothing. Raises TpucError where the metric gives several and none was named."""
        name = self.figure or (next(iter(figures)) if len(figures) == 1 else "")
        if name not in figures:
            raise TpucError(f'the metric "{self.metric}" gives {", ".join(figures) or "nothing"}; name the one that counts with --figure')
        return -math.inf if math.isnan(figures[name]) else figures[name]


@dataclass
class Measurer:
    """Measures choices on the same samples; the float model is evaluated once."""

    task: Task
    goal: Goal
    sources: Sequence[Source]
    workers: Workers
    directory: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))

    def __post_init__(self) -> None:
        self._reference = list(self._outputs(None, "float"))
        figures = self._figures(self._reference)
        self.of_float = self.goal.value(figures)
        self.limit = self.goal.limit(self.of_float)

    def value(self, choice: Choice, title: str = "mixed") -> float:
        """The goal's figure for the mixed model: that of the compiled file, whose bits are the interpreter's."""
        return self.goal.value(self._figures(self._outputs(choice, title)))

    def cycles(self, choice: Choice) -> int:
        """Simulated cycles of the compiled file."""
        with tempfile.TemporaryDirectory(prefix="tpuc-search-", dir=self.directory) as directory:
            return self.task.cycles(choice, Path(directory) / "mixed.bmodel")

    def _outputs(self, choice: Choice | None, title: str):
        work = OutputsOfSample(self.task, None if choice is None else tuple(choice.items()))
        words = [source.words for source in self.sources]
        return progress(self.workers.map(work, words), title, len(words))

    def _figures(self, outputs) -> dict[str, float]:
        figures = Figures(load_metric(self.goal.metric))
        for given, source, reference in zip(outputs, self.sources, self._reference):
            figures.add(given, Sample(source.words, {}, source.label, reference))
        return figures.result()
