"""The `tpu` dialect: a network in the arithmetic of a chip."""

from pathlib import Path

from xdsl.ir import Dialect

from tpuc_core.ir.dialects.base import ops_of
from tpuc_core.ir.dialects.table import ops_of_table
from tpuc_core.ir.dialects.tpu.attributes import TPU_ATTRIBUTES

globals().update(ops_of_table(Path(__file__).with_name("other.ops"), "tpu"))

TPU = Dialect("tpu", ops_of(globals()), TPU_ATTRIBUTES)
