"""Files of the vendor's tools are read and printed back byte for byte."""

from pathlib import Path

import pytest

from tpuc_core.ir import parse_text, print_text

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.mlir")), ids=lambda p: p.stem)
def test_vendor_file_prints_back_byte_identical(path):
    text = path.read_text()
    assert print_text(parse_text(text, str(path))).rstrip("\n") == text.rstrip("\n")
