"""Models as IR: `top` and `tpu` ops on named tensors in an xDSL module, weights beside it, and the text form of both."""

from tpuc_core.ir.dialects import top, tpu
from tpuc_core.ir.dialects.base import TensorOp, location_names, name_location
from tpuc_core.ir.input_means import filter_input_axis, filter_inputs, input_means, set_input_means
from tpuc_core.ir.module import Model, State, load_model, save_model
from tpuc_core.ir.parser import parse_text
from tpuc_core.ir.printer import print_text
from tpuc_core.ir.shapes import infer_op_shapes, infer_shapes, problems, verify
from tpuc_core.ir.types import (
    address_of,
    calibration_of,
    element_type,
    element_type_of,
    has_shape,
    is_none,
    is_weight,
    quantization_of,
    shape_of,
    storage_of,
    tensor_name,
    tensor_type,
    with_address,
    with_element,
    with_shape,
)
from tpuc_core.ir.weights import Weights, write_weights

__all__ = [
    "Model",
    "State",
    "TensorOp",
    "Weights",
    "address_of",
    "calibration_of",
    "element_type",
    "element_type_of",
    "filter_input_axis",
    "filter_inputs",
    "has_shape",
    "infer_op_shapes",
    "infer_shapes",
    "input_means",
    "is_none",
    "is_weight",
    "load_model",
    "location_names",
    "name_location",
    "parse_text",
    "print_text",
    "problems",
    "quantization_of",
    "save_model",
    "set_input_means",
    "shape_of",
    "storage_of",
    "tensor_name",
    "tensor_type",
    "top",
    "tpu",
    "verify",
    "with_address",
    "with_element",
    "with_shape",
    "write_weights",
]
