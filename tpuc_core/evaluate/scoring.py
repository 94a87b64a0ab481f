"""A metric over the samples of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tpuc_core.errors import TpucError
from tpuc_core.evaluate.labels import choose, labelled_images
from tpuc_core.evaluate.metrics import Figures, Metric, Sample
from tpuc_core.images import Preprocessing, list_samples, load_inputs, read_image_list
from tpuc_core.session import Session, Tensors


@dataclass(frozen=True)
class Source:
    """Words that inputs are loaded from (a path; several inputs with commas between), and the class where it is known."""

    words: str
    label: int | None = None


def find_sources(dataset: str | None, data_list: str | None, labels: str | None, count: int, seed: int) -> list[Source]:
    """`count` samples, or all for 0: labelled ones of a folder of class folders or with a file of labels, else any pictures
    and arrays of a folder or a list. Raises TpucError."""
    if (dataset is None) == (data_list is None):
        raise TpucError("give the samples: either --data_list or --dataset")
    if dataset is None and labels is not None:
        raise TpucError("--labels goes with --dataset: the samples of a list have no labels")
    if dataset is not None and (labels is not None or _has_classes(Path(dataset))):
        return [Source(str(image.path), image.label) for image in choose(labelled_images(dataset, labels), count or -1, seed)]
    if dataset is not None:
        return [Source(words) for words in list_samples(dataset, count, seed)]
    words = read_image_list(str(data_list))
    if count > len(words):
        raise TpucError(f'"{data_list}" lists {len(words)} samples, {count} were asked for')
    return [Source(line) for line in words[:count or None]]


def _has_classes(folder: Path) -> bool:
    """Whether a folder holds folders only."""
    return folder.is_dir() and any(folder.iterdir()) and all(path.is_dir() for path in folder.iterdir())


def loader(session: Session, preprocessing: Preprocessing | None) -> Callable[[str], Tensors]:
    """What makes inputs of a session out of a source's words."""
    shapes = {info.name: info.shape for info in session.inputs}
    pictures = {name: preprocessing for name, shape in shapes.items() if len(shape) in (3, 4)}
    return lambda words: load_inputs(words.split(","), shapes, pictures)


def score(session: Session, metric: Metric, samples: Iterable[Sample]) -> Iterator[Figures]:
    """The figures after each sample."""
    figures = Figures(metric)
    for sample in samples:
        figures.add(session.run(sample.inputs), sample)
        yield figures


def samples_of(sources: Sequence[Source], load: Callable[[str], Tensors], reference: Session | None = None) -> Iterator[Sample]:
    """Samples with their inputs, and the outputs of the reference model for the same inputs."""
    for source in sources:
        inputs = load(source.words)
        yield Sample(source.words, inputs, source.label, None if reference is None else reference.run(inputs))
