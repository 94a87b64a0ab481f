"""`make demo` runs to its end, and says what it is there to say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "regression" / "demo"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The directory of a run, and what it printed."""
    directory = tmp_path_factory.mktemp("demo")
    done = subprocess.run([sys.executable, str(DEMO / "run.py"), str(directory)], text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory, done.stdout


def test_every_imported_tensor_is_compared(demo):
    assert "9 tensors compared with onnx: PASSED" in demo[1]


def test_interpreter_and_simulator_agree_on_every_tensor(demo):
    tensors, equal = re.search(r"proof: (\d+) tensors, (\d+) equal bit for bit", demo[1]).groups()
    assert tensors == equal == "11"
    assert "12 equal, 0 close, 0 similar" in demo[1]
    assert "the certificate of digits_int8.bmodel holds" in demo[1]


def test_the_compiled_file_is_as_accurate_as_the_float_model(demo):
    right = [int(n) for n in re.findall(r"597 images, top-1 (\d+)", demo[1].partition("\nSummary\n")[2])]
    assert len(right) == 2
    assert min(right) > 0.9 * 597
    assert abs(right[0] - right[1]) <= 6  # one point


def test_cycles_are_shown(demo):
    assert re.search(r"time: [\d,]+ cycles estimated", demo[1])
    assert re.search(r"tiu +sCONV +conv +\d+ +\d+", demo[1])


def test_every_listed_file_is_there(demo):
    directory, text = demo
    listed = re.findall(r"^    (digits\S+) +[\d,]+ bytes", text, re.MULTILINE)
    assert "digits_int8.bmodel" in listed
    assert all((directory / name).is_file() for name in listed)


def test_a_command_that_fails_ends_the_demo_with_its_message(tmp_path):
    directory = tmp_path / "out"
    directory.mkdir()
    (directory / "images").write_text("in the way")
    done = subprocess.run([sys.executable, str(DEMO / "run.py"), str(directory)], text=True, capture_output=True, timeout=100)
    assert done.returncode == 1
    assert "this command ended with exit code" in done.stderr
