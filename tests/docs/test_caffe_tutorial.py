"""Every command of tutorial 10 runs, in order, as a reader would type it. It begins with files of the zoo."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from test_tutorials import BLOCK, ROOT, blocks, counts, has_vendor, run_commands

from tpuc_core.npz import load_npz

ZOO = Path(os.environ.get("TPUC_ZOO", Path.home() / ".cache" / "tpuc-zoo"))
TUTORIAL = "docs/tutorials/10_caffe.md"
pytestmark = [pytest.mark.slow, pytest.mark.zoo]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A directory in which the tutorial was followed, and what its commands printed."""
    for needed in ("models/res10_ssd_face.caffemodel", "images/photos/zidane.jpg"):
        if not (ZOO / needed).is_file():
            pytest.skip(f"{ZOO / needed} is not there: run `make zoo`")
    directory = tmp_path_factory.mktemp("tutorial")
    return directory / "caffe_dir", run_commands(TUTORIAL, directory)


def test_every_fenced_block_of_commands_is_found():
    text = (ROOT / TUTORIAL).read_text(encoding="utf-8")
    assert text.count("\n```bash") == len(blocks(ROOT / TUTORIAL)) == len(BLOCK.findall(text)) > 6


def test_its_comparisons_pass(followed):
    text = followed[1]
    found = counts(text)
    assert len(found) == (4 if has_vendor() else 3)
    assert next(compared for compared, _ in found) > 60
    assert all(compared == equal for compared, equal in found[2:]), "the compiled file differs from the interpreter or the vendor's runtime"
    assert re.search(r"tensors compared with caffe: PASSED", text)
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert "face_deployed.bmodel holds" in text


def test_it_finds_both_faces(followed):
    files = ["face_top_outputs.npz", "faces.npz", *(["face_bmrt_outputs.npz"] if has_vendor() else [])]
    for name in files:
        rows = load_npz(followed[0] / name)["detection_out"].reshape(-1, 7)
        assert (rows[:, 2] > 0.7).sum() == 2, name
