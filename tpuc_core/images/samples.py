"""Samples as users name them: images, npz, npy, `random[:SEED]`, list files and folders."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tpuc_core.errors import TpucError
from tpuc_core.files import existing_file
from tpuc_core.images.preprocess import Preprocessing
from tpuc_core.npz import load_npy, load_npz

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".jfif")
ARRAY_SUFFIXES = (".npz", ".npy")
# the seed and order of `run_calibration.py --dataset`
DEFAULT_SEED = 1684


def load_inputs(
    words: Sequence[str], shapes: Mapping[str, Sequence[int]], preprocessing: Mapping[str, Preprocessing | None] | None = None
) -> dict[str, np.ndarray]:
    """The inputs of a network, by name, out of what a user wrote.

    words: one .npz; `random` or `random:SEED` (standard normal values for every input); or images and .npy files: for a network of one
    input they are its batch, else one word an input. shapes: of the inputs, in order.
    Raises TpucError: a word that is none of these, shapes or names that do not fit.
    """
    if not words:
        raise TpucError("no input was given; give an image, .npz, .npy or random[:SEED]")
    if len(words) == 1 and is_random(words[0]):
        return _random_inputs(words[0], shapes)
    if len(words) == 1 and words[0].lower().endswith(".npz"):
        return match_inputs(load_npz(words[0]), shapes, words[0])
    if len(shapes) == 1:
        (name, shape), = shapes.items()
        return {name: _load_batch(words, shape, (preprocessing or {}).get(name), name)}
    if len(words) != len(shapes):
        raise TpucError(f"{len(words)} files for {len(shapes)} inputs ({', '.join(shapes)}); give one for each, or one .npz")
    return {name: _load_batch([word], shape, (preprocessing or {}).get(name), name) for word, (name, shape) in zip(words, shapes.items())}


def is_random(word: str) -> bool:
    """Whether a word asks for random values: `random` or `random:SEED`."""
    return word.partition(":")[0] == "random"


def absolute_sample(sample: str) -> str:
    """A sample as a list file has it, with absolute paths: for whoever has another current directory."""
    return ",".join(word if is_random(word) else str(Path(word).absolute()) for word in sample.split(","))


def match_inputs(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, Sequence[int]], source: str = "the input") -> dict[str, np.ndarray]:
    """The arrays for the inputs of a network, in its order; a single array for a single input fits whatever its name. A dimension of
    -1 is open: any length fits.

    Raises TpucError: names or element counts that do not fit, arrays of something else than real numbers.
    """
    if len(shapes) == 1 and len(arrays) == 1:
        arrays = dict(zip(shapes, arrays.values()))
    missing = [name for name in shapes if name not in arrays]
    if missing:
        raise TpucError(f'"{source}" has no input "{missing[0]}"; it has {", ".join(arrays) or "nothing"}')
    fitted = {}
    for name, shape in shapes.items():
        array = np.asarray(arrays[name])
        if array.dtype.kind not in "biuf":
            raise TpucError(f'input "{name}" of "{source}" is {array.dtype}: real numbers are wanted')
        if not _fits(array, shape):
            raise TpucError(f'input "{name}" of "{source}" has shape {list(array.shape)}, the model wants {_shown(shape)}')
        fitted[name] = np.asarray(array if _is_open(shape) else array.reshape(shape), order="C")
    return fitted


def _is_open(shape: Sequence[int]) -> bool:
    return any(dim < 0 for dim in shape)


def _fits(array: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether an array has the shape, or, where that is fixed, as many elements in another number of dimensions."""
    if array.ndim == len(shape):
        return all(dim in (-1, size) for dim, size in zip(shape, array.shape))
    return not _is_open(shape) and array.size == int(np.prod(shape))


def _shown(shape: Sequence[int]) -> str:
    return "[" + ", ".join("?" if dim < 0 else str(dim) for dim in shape) + "]"


def read_image_list(path: str | Path) -> list[str]:
    """The samples of a list file, one a line (several inputs of one sample with commas between), found from here or beside the list."""
    try:
        lines = [line.strip() for line in existing_file(path).read_text(encoding="utf-8").splitlines()]
    except UnicodeDecodeError as error:
        raise TpucError(f'"{path}" is not a list of samples: byte {error.start} is not UTF-8') from error
    samples = [line for line in lines if line and not line.startswith("#")]
    if not samples:
        raise TpucError(f'"{path}" lists no images')
    return [",".join(_resolve(word.strip(), Path(path).parent) for word in sample.split(",")) for sample in samples]


def _resolve(word: str, folder: Path) -> str:
    return word if Path(word).exists() or not (folder / word).exists() else str(folder / word)


def list_samples(folder: str | Path, count: int = 0, seed: int = DEFAULT_SEED) -> list[str]:
    """Images and arrays below a folder in a random order that the seed decides; the first `count`, or all for 0."""
    if not Path(folder).is_dir():
        raise TpucError(f'"{folder}" is not a folder')
    files = sorted(str(p) for p in Path(folder).rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES + ARRAY_SUFFIXES)
    if not files:
        raise TpucError(f'"{folder}" holds no {", ".join(IMAGE_SUFFIXES + ARRAY_SUFFIXES)} files')
    if count > len(files):
        raise TpucError(f'"{folder}" holds {len(files)} samples, {count} were asked for')
    if odd := next((file for file in files if "," in Path(file).name), None):
        raise TpucError(f'"{odd}" has a comma in its name, which stands between several inputs of a sample: rename it')
    random.Random(seed).shuffle(files)
    return files[: count or None]


def _random_inputs(word: str, shapes: Mapping[str, Sequence[int]]) -> dict[str, np.ndarray]:
    seed = word.partition(":")[2] or "0"
    if not seed.isdecimal():
        raise TpucError(f'"{word}": the seed must be a number, as in random:7')
    for name, shape in shapes.items():
        if _is_open(shape):
            raise TpucError(f'input "{name}" has the open shape {_shown(shape)}: give an .npz, random values have no shape of their own')
    generator = np.random.default_rng(int(seed))
    return {name: generator.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def _load_batch(words: Sequence[str], shape: Sequence[int], preprocessing: Preprocessing | None, name: str) -> np.ndarray:
    suffixes = {Path(word).suffix.lower() for word in words}
    if suffixes == {".npy"}:
        arrays = [load_npy(word) for word in words]
        array = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return match_inputs({name: array}, {name: shape}, ", ".join(words))[name]
    if not suffixes <= set(IMAGE_SUFFIXES):
        raise TpucError(f'"{words[0]}" is neither an image ({", ".join(IMAGE_SUFFIXES)}) nor .npz, .npy or random[:SEED]')
    if _is_open(shape):
        raise TpucError(f'input "{name}" has the open shape {_shown(shape)}: give an .npz, a picture has no shape of its own')
    if preprocessing is None:
        raise TpucError(f'input "{name}" of shape {list(shape)} takes no image; give .npz, .npy or random[:SEED]')
    return preprocessing.batch(words, shape)
