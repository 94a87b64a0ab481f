"""Plugins are found through entry points; a broken one costs its own features only."""

import json
import subprocess
import sys

import pytest

from tpuc_core.errors import TpucError
from tpuc_core.plugins import Plugins, plugins

RUN = [sys.executable, "-c", "from tpuc_core.cli.main import main; main()"]
BROKEN = '[tpuc]\nbroken = "tpuc_broken.plugin"\n'


@pytest.fixture
def with_broken_plugin(tmp_path):
    package = tmp_path / "tpuc_broken"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "plugin.py").write_text("raise RuntimeError('its library is not here')\n")
    info = tmp_path / "tpuc_broken-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tpuc-broken\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(BROKEN.replace('"', ""))
    return tmp_path


def run(*words, path):
    return subprocess.run([*RUN, *words], capture_output=True, text=True, env={"PYTHONPATH": str(path), "PATH": ""})


def test_a_broken_plugin_is_listed_with_its_reason_and_breaks_nothing(with_broken_plugin):
    done = run("plugins", "--format", "json", path=with_broken_plugin)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["broken"]["version"] == "1.2" and rows["broken"]["failure"] == "RuntimeError: its library is not here"
    assert not rows["onnx"]["failure"]
    assert run("--help", path=with_broken_plugin).returncode == 0


@pytest.mark.parametrize(("ask", "message"), [
    (lambda p: p.chip("bm1685x"), 'unknown chip "bm1685x"; valid: bm1684x; did you mean "bm1684x"?'),
    (lambda p: p.quantizer("FP32"), 'unknown mode "FP32"; valid: .*did you mean "F32"'),
    (lambda p: p.frontend(".onx"), 'unknown model format ".onx"; valid: .onnx, .prototxt, .tflite'),
    (lambda p: p.runner(".bmodel", "simulater"), 'unknown runner "simulater"; .*did you mean "simulator"'),
    (lambda p: p.runner(".onnx", "bmrt"), 'runner "bmrt" does not run ".onnx" files'),
])
def test_unknown_names_are_one_sentence_with_the_valid_ones(ask, message):
    with pytest.raises(TpucError, match=message):
        ask(plugins())


def test_every_plugin_of_the_repository_is_there():
    found: Plugins = plugins()
    assert {"onnx", "calibration", "int8", "bm1684x", "bmrt", "compat"} <= {p.name for p in found.loaded}
    assert not [p for p in found.loaded if p.failure]
    assert found.runner(".bmodel").name == "simulator"
