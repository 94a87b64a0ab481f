"""Top-1 and top-5 of a session on labelled images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.labels import LabelledImage
from tpuc_core.images import Preprocessing
from tpuc_core.session import Session, Tensors
from tpuc_core.threads import map_ahead


@dataclass
class Accuracy:
    """Counts so far; `last` are the figures of the last batch in percent, `top1` and `top5` those of all."""

    count: int = 0
    hits1: int = 0
    hits5: int = 0
    last: tuple[float, float] = (0.0, 0.0)

    @property
    def top1(self) -> float:
        return 100.0 * self.hits1 / max(self.count, 1)

    @property
    def top5(self) -> float:
        return 100.0 * self.hits5 / max(self.count, 1)

    def add(self, scores: np.ndarray, labels: Sequence[int]) -> None:
        """scores [n, classes], one row an image; equal scores rank by class."""
        order = np.argsort(-scores.astype(np.float64), axis=1, kind="stable")[:, :5]
        hits = order == np.asarray(labels)[:, None]
        hits1, hits5 = int(hits[:, 0].sum()), int(hits.sum())
        self.count, self.hits1, self.hits5 = self.count + len(labels), self.hits1 + hits1, self.hits5 + hits5
        self.last = (100.0 * hits1 / len(labels), 100.0 * hits5 / len(labels))

    def line(self) -> str:
        """The last figures, with those of all in parentheses."""
        return f"Acc@1 {self.last[0]:6.2f} ({self.top1:6.2f})\tAcc@5 {self.last[1]:6.2f} ({self.top5:6.2f})"


def measure(session: Session, preprocessing: Preprocessing, images: Sequence[LabelledImage], *,
            class_offset: int = 0) -> Iterator[Accuracy]:
    """The accuracy after each batch; decoding runs beside the session. A last batch that is not full is filled up with
    its last image, which counts once.

    `class_offset` is the score that belongs to class 0: 1 for networks with a background class in front. Raises
    TpucError: several inputs, no class scores.
    """
    if len(session.inputs) != 1:
        raise TpucError(f"accuracy on images needs a model with one input, this one has {len(session.inputs)}")
    accuracy = Accuracy()
    batch = session.inputs[0].shape[0]
    labels = [[image.label + class_offset for image in images[i:i + batch]] for i in range(0, len(images), batch)]
    for wanted, outputs in zip(labels, session.run_many(_inputs(session, preprocessing, images))):
        scores = _scores(session, outputs, batch)
        if max(wanted) >= scores.shape[1]:
            raise TpucError(f"the model has {scores.shape[1]} classes, the data set has class {max(wanted)}")
        accuracy.add(scores[:len(wanted)], wanted)
        yield accuracy


def _scores(session: Session, outputs: Tensors, batch: int) -> np.ndarray:
    name = session.outputs[0].name
    if name not in outputs or outputs[name].size % batch:
        raise TpucError(f'output "{name}" holds no class scores')
    return outputs[name].reshape(batch, -1)


def _inputs(session: Session, preprocessing: Preprocessing, images: Sequence[LabelledImage]) -> Iterator[Tensors]:
    name, shape = session.inputs[0].name, session.inputs[0].shape

    def decode(first: int) -> Tensors:
        files = [image.path for image in images[first:first + shape[0]]]
        files += files[-1:] * (shape[0] - len(files))
        return {name: preprocessing.batch(files, shape)}

    return map_ahead(decode, range(0, len(images), shape[0]), threads=1)
