"""Every command of tutorials 8 and 9 runs, in order, as a reader would type it. They begin with files of the zoo."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_tutorials import BLOCK, ROOT, blocks, counts, has_vendor, run_commands

ZOO = Path(os.environ.get("TPUC_ZOO", Path.home() / ".cache" / "tpuc-zoo")) / "models"
TUTORIALS = {
    "docs/tutorials/08_tflite.md": "efficientnet_lite0_f32",
    "docs/tutorials/09_tflite_prequantized.md": "efficientnet_lite0_int8",
}
pytestmark = [pytest.mark.slow, pytest.mark.zoo]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What the commands of a tutorial print; the labelled pictures are two, of two classes."""
    import sklearn.datasets

    @cache
    def run(name: str) -> str:
        if not (model := ZOO / f"{TUTORIALS[name]}.tflite").exists():
            pytest.skip(f"{model} is not there: run `make zoo`")
        directory = tmp_path_factory.mktemp("tutorial")
        for picture in (Path(sklearn.datasets.__file__).parent / "images").glob("*.jpg"):
            (directory / "val" / picture.stem).mkdir(parents=True)
            (directory / "val" / picture.stem / picture.name).symlink_to(picture)
        return run_commands(name, directory)

    return run


def test_every_fenced_block_of_commands_is_found():
    for name in TUTORIALS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert text.count("\n```bash") == len(blocks(ROOT / name)) == len(BLOCK.findall(text)) > 6


@pytest.mark.parametrize("name", TUTORIALS)
def test_its_comparisons_pass(printed, name):
    text = printed(name)
    found = counts(text)
    assert len(found) == (4 if has_vendor() else 3)
    assert next(compared for compared, _ in found) > 60
    assert all(compared == equal for compared, equal in found[2:]), (
        "the compiled file differs from the interpreter or the vendor's runtime"
    )
    assert re.search(r"tensors compared with tflite: PASSED", text)
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert "_deployed.bmodel holds" in text
    assert text.count("2 images, top-1") == (3 if "08" in name else 2)


def test_a_quantized_model_is_imported_with_the_integers_of_the_file(printed):
    text = printed("docs/tutorials/09_tflite_prequantized.md")
    assert "!quant.uniform<i8:f32" in text
    compared, equal = counts(text)[0]
    assert equal >= compared - 3  # of the model's tensors a few differ by one step somewhere
