"""Labelled images: a folder for each class, or a flat folder with a file of labels."""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file
from tpuc_core.images import IMAGE_SUFFIXES


class LabelledImage(NamedTuple):
    """A picture and its class, counted from 0."""

    path: Path
    label: int


def labelled_images(folder: str | Path, labels: str | Path | None = None) -> list[LabelledImage]:
    """All labelled images of a data set, in the order of their paths.

    Without `labels` the folder holds one folder a class; the classes are numbered in the order of their names. `labels`
    is a .csv with the columns `file` and `label`, or lines of "FILE LABEL", or one label a line for the images in the
    order of their names. Files are found by name, below the folder. Raises TpucError.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise TpucError(f'"{folder}" is not a folder')
    found = _from_folders(folder) if labels is None else _from_file(folder, existing_file(labels))
    if not found:
        raise TpucError(f'"{folder}" holds no labelled images'
                        + ("; a flat folder needs a file of labels (--labels)" if labels is None else f' of "{labels}"'))
    return found


def choose(images: Sequence[LabelledImage], count: int, seed: int) -> list[LabelledImage]:
    """`count` of the images in a random order that the seed decides; all of them for a count below 1."""
    if count > len(images):
        raise TpucError(f"the data set has {len(images)} images, {count} were asked for")
    shuffled = list(images)
    random.Random(seed).shuffle(shuffled)
    return shuffled[:count] if count > 0 else shuffled


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)


def _from_folders(folder: Path) -> list[LabelledImage]:
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    return [LabelledImage(path, label) for label, inner in enumerate(classes) for path in _pictures(inner)]


def _from_file(folder: Path, labels: Path) -> list[LabelledImage]:
    pictures = _pictures(folder)
    lines = [line for line in labels.read_text(encoding="utf-8").splitlines() if line.strip()]
    try:
        if labels.suffix.lower() == ".csv":
            pairs = [(row["file"], int(row["label"])) for row in csv.DictReader(lines) if row["label"]]
        elif all(line.strip().lstrip("-").isdigit() for line in lines):
            if len(lines) != len(pictures):
                raise TpucError(f'"{labels}" has {len(lines)} labels, "{folder}" {len(pictures)} images')
            return [LabelledImage(path, int(line)) for path, line in zip(pictures, lines)]
        else:
            pairs = [(name, int(label)) for name, label in (line.rsplit(maxsplit=1) for line in lines)]
    except (KeyError, ValueError) as error:
        raise TpucError(f'"{labels}" is not a file of labels: give a .csv with the columns "file" and "label", '
                        'lines of "FILE LABEL", or one label a line') from error
    by_name = {Path(name).stem: label for name, label in pairs}
    return [LabelledImage(path, by_name[path.stem]) for path in pictures if path.stem in by_name]
