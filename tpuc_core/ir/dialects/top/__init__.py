"""The `top` dialect: a network in float, as its source says it, for no chip in particular.

Ops have a class each, by family; those of `other.ops` get theirs when they are first wanted.
"""

from pathlib import Path

from tpuc_core.ir.dialects.table import OpTable
from tpuc_core.ir.dialects.top.activation import *  # noqa: F403
from tpuc_core.ir.dialects.top.arithmetic import *  # noqa: F403
from tpuc_core.ir.dialects.top.convolution import *  # noqa: F403
from tpuc_core.ir.dialects.top.detection import *  # noqa: F403
from tpuc_core.ir.dialects.top.indexing import *  # noqa: F403
from tpuc_core.ir.dialects.top.layout import *  # noqa: F403
from tpuc_core.ir.dialects.top.normalization import *  # noqa: F403
from tpuc_core.ir.dialects.top.pooling import *  # noqa: F403
from tpuc_core.ir.dialects.top.recurrent import *  # noqa: F403
from tpuc_core.ir.dialects.top.reduction import *  # noqa: F403
from tpuc_core.ir.dialects.top.sampling import *  # noqa: F403
from tpuc_core.ir.dialects.top.structure import *  # noqa: F403

OPS = OpTable("top", globals(), Path(__file__).with_name("other.ops"))
__getattr__ = OPS.attribute
