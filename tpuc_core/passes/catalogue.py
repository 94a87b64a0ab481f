"""The passes of this package, in the order of their use."""

from tpuc_core.passes.accepted import ACCEPTED
from tpuc_core.passes.base import Pass
from tpuc_core.passes.canonicalize import Canonicalize
from tpuc_core.passes.import_calibration_table import ImportCalibrationTable
from tpuc_core.passes.shape_infer import ShapeInfer

PASSES: list[type[Pass]] = [ShapeInfer, Canonicalize, ImportCalibrationTable, *ACCEPTED]
