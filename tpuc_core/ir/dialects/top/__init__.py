"""The `top` dialect: a network in float, as its source says it, for no chip in particular."""

from pathlib import Path

from xdsl.ir import Dialect

from tpuc_core.ir.dialects.base import ops_of
from tpuc_core.ir.dialects.table import ops_of_table

globals().update(ops_of_table(Path(__file__).with_name("other.ops"), "top"))

TOP = Dialect("top", ops_of(globals()), [])
