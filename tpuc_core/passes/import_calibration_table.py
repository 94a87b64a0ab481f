"""`--import-calibration-table`: the ranges of a calibration table become types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.ir import SSAValue
from xdsl.rewriter import Rewriter

from tpuc_core.errors import TpucError
from tpuc_core.ir import Model, State, filter_inputs, is_none, set_input_means, tensor_name, top, with_element
from tpuc_core.ir.dialects.quant import CalibratedType, Range
from tpuc_core.passes.base import Pass, option
from tpuc_core.passes.calibration_table import CalibrationRow, CalibrationTable


@dataclass
class ImportCalibrationTable(Pass):
    """Give every tensor of a calibration table its range: symmetric <-threshold:threshold>, asymmetric <min:max>.

    A symmetric range begins at 0 where the minimum is not negative. The results of Sigmoid and Softmax are <0:1> whatever
    the table says. Ops with filters get their mean inputs. Names that the model does not have are ignored.
    """

    name: ClassVar[str] = "import-calibration-table"
    takes: ClassVar[State | tuple[State, ...] | None] = (State.TOP_F32, State.TOP_CALIBRATED)
    gives: ClassVar[State | None] = State.TOP_CALIBRATED
    file: str = option("", "the table")
    asymmetric: bool = option(True, "ranges from minimum to maximum")

    def apply(self, model: Model) -> None:
        if not self.file:
            raise TpucError(f"--{self.name} needs the option \"file\"; write --{self.name}='file=TABLE asymmetric=false'")
        if not import_table(model, CalibrationTable.read(self.file), is_asymmetric=self.asymmetric):
            raise TpucError(f'"{self.file}" names no tensor of model "{model.name}"; is it the table of another model?')


def import_table(model: Model, table: CalibrationTable, *, is_asymmetric: bool) -> int:
    """Give the tensors of a table their ranges, and the filters their mean inputs; how many of the tensors the model has.

    Raises TpucError: mean inputs of another number of channels.
    """
    found = 0
    for op in (*model.inputs, *model.ops()):
        for value in op.results:
            if not is_none(value) and tensor_name(value) in table:
                low, high = _range(value, table[tensor_name(value)], is_asymmetric)
                Rewriter.replace_value_with_new_type(value, with_element(value.type, CalibratedType(Range(low, high))))
                found += 1
    for op in model.ops():
        if count := filter_inputs(op):
            means = table.means.get(name := tensor_name(op.results[0]))
            if means is not None and means.size != count:
                raise TpucError(f'the table has {means.size} mean inputs of "{name}", whose filter has {count} input channels; is it the table '
                                "of another model?")
            set_input_means(model, op, means)
    model.update_function_types()
    return found


def _range(value: SSAValue, row: CalibrationRow, is_asymmetric: bool) -> tuple[float, float]:
    if isinstance(value.owner, top.SigmoidOp | top.SoftmaxOp) and not value.owner.get("log"):
        return 0.0, 1.0
    if is_asymmetric:
        return row.minimum or 0.0, row.maximum
    return (-row.threshold if row.minimum < 0 else 0.0), row.threshold
