"""Every command of the tutorials and of the README runs, in order, as a reader would type it."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tpuc_bmrt.library import find_library

from tpuc_core.errors import TpucError
from tpuc_core.npz import load_npz

ROOT = Path(__file__).parents[2]
TUTORIALS = ("docs/tutorials/01_onnx_f32.md", "docs/tutorials/02_onnx_int8_symmetric.md", "docs/tutorials/03_onnx_int8_asymmetric.md",
             "docs/tutorials/04_onnx_f16.md", "docs/tutorials/05_onnx_bf16.md",
             "docs/tutorials/06_calibration_and_tuning.md", "docs/tutorials/07_mixed_precision.md")
BLOCK = re.compile(r"^(<!-- needs: vendor -->\n)?```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SMALLER = {"--input_num 1000": "--input_num 2", "--count 1000": "--count 2", "--input_num 100": "--input_num 2", "--tune_num 10": "--tune_num 2"}
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("tutorials")]  # in one process: each stands on what those before it made


@dataclass
class Block:
    """The commands of one fenced block, and where they begin."""

    line: int
    commands: str
    needs_vendor: bool


def blocks(path: Path) -> list[Block]:
    text = path.read_text(encoding="utf-8")
    return [Block(text.count("\n", 0, found.start(2)), found[2], bool(found[1])) for found in BLOCK.finditer(text)]


def has_vendor() -> bool:
    try:
        find_library()
    except TpucError:
        return False
    return True


def run_commands(name: str, directory: Path) -> str:
    """What the commands of a document print; those that need the vendor's runtime are left out where it is missing."""
    script = ["set -eo pipefail"]
    for block in blocks(ROOT / name):
        if not block.needs_vendor or has_vendor():
            script += [f"echo '== {name} line {block.line}'", block.commands]
    text = "\n".join(script).replace("/dataset/imagenet/val", str(directory / "val"))
    for written, smaller in SMALLER.items():
        text = text.replace(written, smaller)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(["bash", "-c", text], cwd=directory, env=os.environ | {"PATH": path}, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900)
    assert done.returncode == 0, f"exit code {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A directory in which tutorial 1 was followed, and its output. The labelled pictures are two, of two classes."""
    import sklearn.datasets

    directory = tmp_path_factory.mktemp("tutorials")
    (directory / "regression").symlink_to(ROOT / "regression")
    for picture in (Path(sklearn.datasets.__file__).parent / "images").glob("*.jpg"):
        (directory / "val" / picture.stem).mkdir(parents=True)
        (directory / "val" / picture.stem / picture.name).symlink_to(picture)
    return directory, run_commands(TUTORIALS[0], directory)


@pytest.fixture(scope="module")
def second(first):
    """The same directory after tutorial 2, and its output."""
    return first[0], run_commands(TUTORIALS[1], first[0])


@pytest.fixture(scope="module")
def third(second):
    """The same directory after tutorial 3, and its output."""
    return second[0], run_commands(TUTORIALS[2], second[0])


def test_every_fenced_block_of_commands_is_found():
    for name in TUTORIALS:
        assert (ROOT / name).read_text(encoding="utf-8").count("\n```bash") == len(blocks(ROOT / name)) > 6


def counts(text: str) -> list[tuple[int, ...]]:
    """Of each comparison how many tensors were compared, and how many of them were equal."""
    compared, equal = re.findall(r"^(\d+) compared$", text, re.MULTILINE), re.findall(r"(\d+) equal, \d+ close", text)
    assert text.count("npz compare PASSED") == len(compared)
    return [(int(c), int(e)) for c, e in zip(compared, equal, strict=True)]


def test_tutorial_1_compares_with_tolerance_0_999_and_bit_for_bit(first):
    found = counts(first[1])
    assert [compared for compared, _ in found] == [32, 33, 33, 1][: len(found)]
    assert all(compared == equal for compared, equal in found[2:]), "the compiled file differs from the interpreter or the vendor's runtime"
    assert len(found) == (4 if has_vendor() else 3)
    assert (first[0] / "work_dir" / "resnet18_f32_1684x.bmodel").stat().st_size > 40e6


def test_tutorial_2_passes_its_comparisons(second):
    text = second[1]
    found = counts(text)
    assert [compared for compared, _ in found] == [33, 35, 35, 1][: len(found)]
    assert all(compared == equal for compared, equal in found[1:]), "the compiled file differs from the interpreter or the vendor's runtime"
    assert len(found) == (4 if has_vendor() else 3)
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert "the certificate of resnet18_deployed.bmodel holds" in text
    assert text.count("2 images, top-1") == 5


def test_tutorial_3_passes_its_comparisons(third):
    text = third[1]
    found = counts(text)
    assert [compared for compared, _ in found] == [33, 35, 35, 1][: len(found)]
    assert all(compared == equal for compared, equal in found[1:]), "the compiled file differs from the interpreter or the vendor's runtime"
    assert len(found) == (4 if has_vendor() else 3)
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert "the certificate of resnet18_deployed_asym.bmodel holds" in text
    assert text.count("2 images, top-1") == 2


@pytest.mark.parametrize("name", TUTORIALS[3:5], ids=["F16", "BF16"])
def test_tutorials_of_16_bits_pass_their_comparisons(first, name):
    text = run_commands(name, first[0])
    exact = 1 + has_vendor()
    assert all(compared == equal for compared, equal in counts(text)[-exact:]), "the compiled file differs from the interpreter or the vendor's runtime"
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert text.count("2 images, top-1") == 2


def test_tutorial_6_gives_the_same_table_in_every_way_and_tunes_it(second):
    directory, text = second[0] / "work_dir", run_commands("docs/tutorials/06_calibration_and_tuning.md", second[0])
    tables = [(directory / f"resnet18_cali_table_{name}").read_bytes() for name in ("1000", "resumed", "merged")]
    assert tables[0] == tables[1] == tables[2]
    found = re.search(r"tune: (\d+) of (\d+) proposals kept after \d+ trials on 2 samples; "
                      r"outputs ([\d.]+) dB, cosine ([\d.]+) -> ([\d.]+) dB, cosine ([\d.]+)", text)
    assert found and float(found[5]) >= float(found[3]) and float(found[6]) >= float(found[4])
    assert len((directory / "resnet18_cali_table_tuned.tune.csv").read_text().splitlines()) == 1 + int(found[2])
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert text.count("2 images, top-1") == 2


def test_tutorial_7_searches_compiles_and_compares(second):
    directory, text = second[0] / "work_dir", run_commands("docs/tutorials/07_mixed_precision.md", second[0])
    assert "noise on the outputs" in text and "next: tpuc " in text
    assert text.count("chosen") == 3  # a row of each search's table
    table = (directory / "resnet18_qtable").read_text()
    assert "# structure of the model: " in table
    assert (directory / "resnet18_front.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert text.count("2 images, top-1") == 2 and re.search(r"^top-1: ", text, re.MULTILINE)


def test_step_by_step_and_deploy_make_the_same_commands(second):
    outputs = []
    for name in ("resnet18_int8_sym_1684x.bmodel", "resnet18_deployed.bmodel"):
        tpuc, target = Path(sys.executable).with_name("tpuc"), second[0] / f"{name}.npz"
        command = [tpuc, "run", "--model", name, "--input", "resnet18_in_f32.npz", "--output", target]
        subprocess.run(command, cwd=second[0] / "work_dir", check=True, capture_output=True)
        outputs.append(load_npz(target))
    assert outputs[0].keys() == outputs[1].keys()
    assert all(np.array_equal(outputs[0][key], outputs[1][key]) for key in outputs[0])


def test_the_commands_of_the_readme(first):
    directory = first[0] / "readme"
    (directory / "imagenet").mkdir(parents=True)
    for name, source in {"resnet18.onnx": "work_dir/resnet18.onnx", "cat.jpg": "work_dir/cat.jpg", "pictures": "work_dir/image", "imagenet/val": "val"}.items():
        (directory / name).symlink_to(first[0] / source)
    text = run_commands("README.md", directory)
    assert re.search(r"proof: (\d+) tensors, \1 equal bit for bit", text)
    assert text.count("2 images, top-1") == 2
