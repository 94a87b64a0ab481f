"""The `tpu` dialect: a network in the arithmetic of a chip.

Ops have a class each, by family; those of `other.ops` get theirs when they are first wanted.
"""

from pathlib import Path

from tpuc_core.ir.dialects.table import OpTable
from tpuc_core.ir.dialects.tpu.activation import *  # noqa: F403
from tpuc_core.ir.dialects.tpu.arithmetic import *  # noqa: F403
from tpuc_core.ir.dialects.tpu.attributes import CompressInfo, LayerGroupInfo  # noqa: F401
from tpuc_core.ir.dialects.tpu.convolution import *  # noqa: F403
from tpuc_core.ir.dialects.tpu.layout import *  # noqa: F403
from tpuc_core.ir.dialects.tpu.recurrent import *  # noqa: F403
from tpuc_core.ir.dialects.tpu.structure import *  # noqa: F403

OPS = OpTable("tpu", globals(), Path(__file__).with_name("other.ops"))
__getattr__ = OPS.attribute
