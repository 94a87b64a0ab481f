"""Top-1 and top-5 of a session on labelled images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.labels import LabelledImage
from tpuc_core.images import Preprocessing
from tpuc_core.session import Session, Tensors
from tpuc_core.threads import map_ahead

if TYPE_CHECKING:
    from tpuc_core.parallel import Work, Workers


@dataclass
class Accuracy:
    """So far: for each image whether its class was first (`right1`), and among the first five (`right5`); `last` are the figures
    of the last batch in percent, `top1` and `top5` those of all."""

    last: tuple[float, float] = (0.0, 0.0)
    right1: list[bool] = field(default_factory=list)
    right5: list[bool] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.right1)

    @property
    def hits1(self) -> int:
        return sum(self.right1)

    @property
    def hits5(self) -> int:
        return sum(self.right5)

    @property
    def top1(self) -> float:
        return 100.0 * self.hits1 / max(self.count, 1)

    @property
    def top5(self) -> float:
        return 100.0 * self.hits5 / max(self.count, 1)

    def add(self, ranks: np.ndarray, labels: Sequence[int]) -> None:
        """ranks [n, up to 5]: the best classes of each image, the best one first."""
        hits = ranks == np.asarray(labels)[:, None]
        self.right1 += hits[:, 0].tolist()
        self.right5 += hits.any(axis=1).tolist()
        self.last = (100.0 * float(hits[:, 0].mean()), 100.0 * float(hits.any(axis=1).mean()))

    def line(self) -> str:
        """The last figures, with those of all in parentheses."""
        return f"Acc@1 {self.last[0]:6.2f} ({self.top1:6.2f})\tAcc@5 {self.last[1]:6.2f} ({self.top5:6.2f})"


def best_classes(scores: np.ndarray) -> np.ndarray:
    """The five best classes of each row of scores [n, classes], the best one first; equal scores rank by class."""
    return np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :5]


def measure(session: Session, preprocessing: Preprocessing, images: Sequence[LabelledImage], *,
            class_offset: int = 0, workers: tuple[Workers, Work] | None = None) -> Iterator[Accuracy]:
    """The accuracy after each batch; decoding runs beside the session. A last batch that is not full is filled up with
    its last image, which counts once.

    `class_offset` is the score that belongs to class 0: 1 for networks with a background class in front. `workers`: where the
    same session is opened and run, in place of here. Raises TpucError: several inputs, no class scores.
    """
    if len(session.inputs) != 1:
        raise TpucError(f"accuracy on images needs a model with one input, this one has {len(session.inputs)}")
    classes = score_count(session)
    labels = [image.label + class_offset for image in images]
    for label in (min(labels), max(labels)):
        if not 0 <= label < classes:
            raise TpucError(f"the model has {classes} classes, the data set has class {label}")
    accuracy, batch = Accuracy(), session.inputs[0].shape[0]
    groups = [images[i:i + batch] for i in range(0, len(images), batch)]
    for group, ranks in zip(groups, _ranks(session, preprocessing, groups, workers)):
        accuracy.add(ranks[:len(group)], [image.label + class_offset for image in group])
        yield accuracy


def score_count(session: Session) -> int:
    """How many class scores the first output holds for an image. Raises TpucError."""
    output, batch = session.outputs[0], session.inputs[0].shape[0]
    size = int(np.prod(output.shape))
    if size % batch or size <= batch:
        raise TpucError(f'output "{output.name}" of shape {list(output.shape)} holds no class scores')
    return size // batch


def ranks_of(session: Session, outputs: Tensors) -> np.ndarray:
    """The best classes of each image of a batch."""
    name = session.outputs[0].name
    if name not in outputs:
        raise TpucError(f'output "{name}" is missing; given: {", ".join(outputs)}')
    return best_classes(outputs[name].reshape(session.inputs[0].shape[0], -1))


def decoded(session: Session, preprocessing: Preprocessing, files: Sequence[str | Path]) -> Tensors:
    """Pictures as the one input of a session; where they do not fill the batch, the last one is repeated."""
    name, shape = session.inputs[0].name, session.inputs[0].shape
    full = [*files, *[files[-1]] * (shape[0] - len(files))]
    return {name: preprocessing.batch(full, shape)}


def _ranks(session: Session, preprocessing: Preprocessing, groups: Sequence[Sequence[LabelledImage]],
           workers: tuple[Workers, Work] | None) -> Iterator[np.ndarray]:
    files = [[str(image.path.absolute()) for image in group] for group in groups]  # for workers elsewhere
    if workers is not None:
        return workers[0].map(workers[1], files)
    inputs = map_ahead(lambda group: decoded(session, preprocessing, group), files, threads=1)
    return (ranks_of(session, outputs) for outputs in session.run_many(inputs))
