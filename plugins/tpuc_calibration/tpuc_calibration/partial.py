"""Statistics of some of the samples, in a file: what a run has gathered so far, or one shard of the samples."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tpuc_calibration.channel_sums import ChannelSums
from tpuc_calibration.statistics import BINS, TensorStatistics
from tpuc_core.errors import TpucError
from tpuc_core.npz import load_npz, save_npz

FORM = "tpuc calibration statistics 2"


@dataclass(frozen=True)
class Run:
    """What is calibrated on what: the model's file with its hash and name, all samples, and which shard of them is
    meant ("2 of 3": every third one from the second on)."""

    mlir: str
    digest: str
    name: str
    samples: tuple[str, ...]
    shard: tuple[int, int] = (1, 1)

    @property
    def own_samples(self) -> Sequence[str]:
        """The samples of this shard."""
        number, count = self.shard
        return self.samples[number - 1 :: count]

    @cached_property
    def encoded(self) -> np.ndarray:
        """The run as bytes, for the files that a long run writes often."""
        return np.frombuffer(json.dumps(asdict(self)).encode(), np.uint8)

    @classmethod
    def decoded(cls, encoded: np.ndarray) -> Run:
        """The run out of its bytes. Raises ValueError, KeyError or TypeError for what is none."""
        fields = json.loads(encoded.tobytes())
        return cls(**{**fields, "samples": tuple(fields["samples"]), "shard": tuple(fields["shard"])})

    def is_part_of_the_same(self, other: Run) -> bool:
        """Whether both are shards of one run."""
        return (self.digest, self.samples, self.shard[1]) == (other.digest, other.samples, other.shard[1])


@dataclass
class Gathered:
    """What samples gave: statistics by tensor, and the inputs of filters by op, both in the order of the model."""

    tensors: dict[str, TensorStatistics] = field(default_factory=dict)
    inputs: dict[str, ChannelSums] = field(default_factory=dict)

    def merge(self, other: Gathered) -> None:
        """Take in what other samples gave."""
        for name, statistics in other.tensors.items():
            self.tensors.setdefault(name, TensorStatistics()).merge(statistics)
        for name, sums in other.inputs.items():
            self.inputs.setdefault(name, ChannelSums()).merge(sums)


@dataclass
class Partial:
    """What the first `done` of a run's own samples gave."""

    run: Run
    done: int = 0
    gathered: Gathered = field(default_factory=Gathered)

    @property
    def tensors(self) -> dict[str, TensorStatistics]:
        """Statistics by tensor."""
        return self.gathered.tensors

    @property
    def input_means(self) -> dict[str, np.ndarray]:
        """Mean inputs of the channels of filters, by op."""
        return {name: sums.means for name, sums in self.gathered.inputs.items()}

    @property
    def is_complete(self) -> bool:
        """Whether all samples of the shard are in it."""
        return self.done == len(self.run.own_samples)

    def add(self, gathered: Gathered, count: int) -> None:
        """Take in what the next `count` samples gave."""
        self.gathered.merge(gathered)
        self.done += count

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all. Raises TpucError."""
        about = {"form": FORM, "done": self.done, "names": list(self.tensors)}
        found = list(self.tensors.values())
        save_npz(path, {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "run": self.run.encoded,
            "ranges": np.array([(s.minimum, s.maximum, s.reach) for s in found], np.float64).reshape(-1, 3),
            "zeros": np.array([s.zeros for s in found], np.int64),
            "is_signed": np.array([s.negative is not None for s in found], bool),
            "counts": _packed([s.counts for s in found]),
            "negative": _packed([s.negative for s in found if s.negative is not None]),
            "inputs": np.frombuffer(json.dumps({n: asdict(s) for n, s in self.gathered.inputs.items()}).encode(), np.uint8),
        })

    @classmethod
    def load(cls, path: str | Path) -> Partial:
        """The statistics in a file. Raises TpucError for one that is missing, damaged or of another kind."""
        arrays = load_npz(path)
        try:
            about: dict[str, Any] = json.loads(arrays["about"].tobytes())
            if about["form"] != FORM:
                raise KeyError(FORM)
            counts, negative = _unpacked(arrays["counts"]), iter(_unpacked(arrays["negative"]))
            tensors = {
                name: TensorStatistics(*map(float, ranges), int(zeros), count.copy(),
                                       next(negative).copy() if is_signed else None)
                for name, ranges, zeros, is_signed, count in zip(
                    about["names"], arrays["ranges"], arrays["zeros"], arrays["is_signed"], counts, strict=True)
            }
            inputs = {name: ChannelSums(**given) for name, given in json.loads(arrays["inputs"].tobytes()).items()}
            return cls(Run.decoded(arrays["run"]), about["done"], Gathered(tensors, inputs))
        except (KeyError, ValueError, TypeError, StopIteration, zlib.error) as error:
            raise TpucError(f'"{path}" holds no statistics of "tpuc calibrate"') from error


def merged(paths: Sequence[str]) -> Partial:
    """The statistics of all shards of a run, in files in any order. Raises TpucError: not all of one run, not
    complete, one twice, one missing."""
    parts = {path: Partial.load(path) for path in paths}
    if not parts:
        raise TpucError("--merge wants the files that --shard wrote")
    (first_path, first), *rest = parts.items()
    for path, part in rest:
        if not part.run.is_part_of_the_same(first.run):
            raise TpucError(f'"{path}" and "{first_path}" are not of one run: '
                            "model, samples or number of shards differ")
    count = first.run.shard[1]
    by_number = {part.run.shard[0]: part for part in parts.values()}
    for path, part in parts.items():
        if not part.is_complete:
            raise TpucError(f'"{path}" has {part.done} of its {len(part.run.own_samples)} samples: go on with --resume')
    missing = [f"{number}/{count}" for number in range(1, count + 1) if number not in by_number]
    if missing:
        raise TpucError(f"shard {missing[0]} is missing")
    if len(paths) != count:
        raise TpucError(f"{len(paths)} files for {count} shards: one is given twice")
    whole = Partial(Run(first.run.mlir, first.run.digest, first.run.name, first.run.samples))
    for number in range(1, count + 1):
        whole.add(by_number[number].gathered, by_number[number].done)
    return whole


def model_digest(mlir: str | Path, weights: str | Path | None) -> str:
    """The hash of a model's files."""
    digest = hashlib.sha256(Path(mlir).read_bytes())
    if weights is not None and Path(weights).is_file():
        digest.update(Path(weights).read_bytes())
    return digest.hexdigest()


def _packed(counts: Sequence[np.ndarray]) -> np.ndarray:
    return np.frombuffer(zlib.compress(np.asarray(counts, np.int64).tobytes(), 1), np.uint8)


def _unpacked(packed: np.ndarray) -> np.ndarray:
    return np.frombuffer(zlib.decompress(packed.tobytes()), np.int64).reshape(-1, BINS)
