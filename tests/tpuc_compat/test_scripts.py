import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from tpuc_compat.scripts import COMMANDS, command_of

from tpuc_core.npz import save_npz

BIN = Path(sys.executable).parent
SCRIPTS = sorted(e.name for e in metadata.entry_points(group="console_scripts") if e.value.startswith("tpuc_compat."))


def run(name, *args, cwd=None):
    return subprocess.run([BIN / name, *args], capture_output=True, text=True, cwd=cwd, timeout=60)


def test_every_name_of_the_tutorial_is_installed():
    assert set(SCRIPTS) == {"tpuc-opt", *(n for name in COMMANDS if name != "tpuc-opt" for n in (name, f"{name}.py"))}


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_under_its_own_name(name):
    assert command_of(name).name
    result = run(name, "--help")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"Usage: {name} ")


def test_npz_tool_as_the_tutorial_types_it(tmp_path):
    x = np.zeros((1, 1000), np.float32)
    x[0, 281] = 10.266102
    save_npz(tmp_path / "x.npz", {"output_Gemm": x})
    shown = run("npz_tool.py", "dump", "x.npz", "output_Gemm", "5", cwd=tmp_path)
    assert shown.stdout.splitlines()[:4] == ["shape (1, 1000)", "dtype float32", "Show Top-K 5", "(281, 10.266102)"]
    compared = run("npz_tool.py", "compare", "x.npz", "x.npz", "--tolerance", "0.999,0.999", "-v", cwd=tmp_path)
    assert compared.returncode == 0 and compared.stdout.endswith("npz compare PASSED.\n")


def test_an_error_names_the_script():
    result = run("npz_tool.py", "dump", "none.npz")
    assert (result.returncode, result.stderr) == (1, 'npz_tool.py: no such file: "none.npz"\n')
