"""The passes of this package, in the order of their use."""

from tpuc_core.passes.accepted import (
    Deinit,
    DisableThreading,
    ExtraOptimize,
    Init,
    SaveWeight,
    StructOptimize,
    WeightFold,
)
from tpuc_core.passes.base import Pass
from tpuc_core.passes.canonicalize import Canonicalize
from tpuc_core.passes.import_calibration_table import ImportCalibrationTable
from tpuc_core.passes.shape_infer import ShapeInfer

PASSES: list[type[Pass]] = [
    Init,
    StructOptimize,
    ShapeInfer,
    Canonicalize,
    ExtraOptimize,
    ImportCalibrationTable,
    WeightFold,
    SaveWeight,
    Deinit,
    DisableThreading,
]
