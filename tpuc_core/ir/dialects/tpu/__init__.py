"""The `tpu` dialect: a network in the arithmetic of a chip.

Ops have a class each, by family; those of `other.ops` get theirs when they are first wanted.
"""

from pathlib import Path

from tpuc_core.ir.dialects.table import OpTable

OPS = OpTable("tpu", globals(), Path(__file__).with_name("other.ops"))
__getattr__ = OPS.attribute
