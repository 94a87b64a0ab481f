"""Who may import whom: plugins the core and the kernels, never each other; the core no plugin; the kernels nothing of ours."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(p.name for p in (ROOT / "plugins").iterdir() if p.is_dir())
PACKAGES = {"tpuc_core": ROOT / "tpuc_core", "tpuc_kernels": ROOT / "cython_kernels/tpuc_kernels", **{p: ROOT / "plugins" / p / p for p in PLUGINS}}
MAY_IMPORT = {"tpuc_core": {"tpuc_core", "tpuc_kernels"}, "tpuc_kernels": {"tpuc_kernels"},
              **{p: {p, "tpuc_core", "tpuc_kernels"} for p in PLUGINS}}


def imported(path: Path) -> set[str]:
    """Top-level names of the packages that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may_know(package):
    for path in sorted(PACKAGES[package].rglob("*.py")):
        foreign = (imported(path) & set(PACKAGES)) - MAY_IMPORT[package]
        assert not foreign, f"{path.relative_to(ROOT)} imports {sorted(foreign)}"


def test_the_chip_simulator_does_not_know_the_compiler():
    for path in sorted((PACKAGES["tpuc_bm1684x"] / "simulator").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module:
                inner = node.module.removeprefix("tpuc_bm1684x.").split(".")[0]
                assert inner not in ("kernels", "lowering", "passes", "codegen"), f"{path.name} imports {node.module}"


@pytest.mark.parametrize("statement", ["import tpuc_core", "from tpuc_core.cli.main import tpuc; from tpuc_core.plugins import plugins; plugins().commands"])
def test_start_up_loads_nothing_heavy(statement):
    heavy = ["numpy", "xdsl", "onnx", "onnxruntime", "cv2"]
    code = f"import sys; {statement}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
