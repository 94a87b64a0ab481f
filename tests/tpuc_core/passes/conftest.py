"""What the tests of passes share: golden files and the builder of the tests of the IR."""

import importlib.util
from pathlib import Path

import pytest

IR_TESTS = Path(__file__).parents[1] / "ir"


@pytest.fixture
def data() -> Path:
    """The folder of golden files."""
    return IR_TESTS / "data"


def _shared():
    spec = importlib.util.spec_from_file_location("ir_conftest", IR_TESTS / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_SHARED = _shared()
build, vendor_opt = _SHARED.build, _SHARED.vendor_opt
