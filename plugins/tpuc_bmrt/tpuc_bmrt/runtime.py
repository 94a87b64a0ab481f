"""The runtime library's C interface, as far as it is needed here. Only the worker process loads it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import numpy as np

MAX_DIMENSIONS = 8
DATA_TYPES = ("f32", "f16", "i8", "u8", "i16", "u16", "i32", "u32", "bf16")  # by the runtime's number


class ShapeStruct(ctypes.Structure):
    _fields_ = [("dimensions", ctypes.c_int), ("sizes", ctypes.c_int * MAX_DIMENSIONS)]

    def to_tuple(self) -> tuple[int, ...]:
        return tuple(self.sizes[: self.dimensions])


class StageStruct(ctypes.Structure):
    _fields_ = [
        ("input_shapes", ctypes.POINTER(ShapeStruct)),
        ("output_shapes", ctypes.POINTER(ShapeStruct)),
        ("input_memories", ctypes.c_void_p),
        ("output_memories", ctypes.c_void_p),
    ]


class NetStruct(ctypes.Structure):
    """The begin of bm_net_info_t; what follows differs between versions and is not needed."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("is_dynamic", ctypes.c_bool),
        ("input_count", ctypes.c_int),
        ("input_names", ctypes.POINTER(ctypes.c_char_p)),
        ("input_types", ctypes.POINTER(ctypes.c_int)),
        ("input_scales", ctypes.POINTER(ctypes.c_float)),
        ("output_count", ctypes.c_int),
        ("output_names", ctypes.POINTER(ctypes.c_char_p)),
        ("output_types", ctypes.POINTER(ctypes.c_int)),
        ("output_scales", ctypes.POINTER(ctypes.c_float)),
        ("stage_count", ctypes.c_int),
        ("stages", ctypes.POINTER(StageStruct)),
        ("max_input_bytes", ctypes.POINTER(ctypes.c_size_t)),
        ("max_output_bytes", ctypes.POINTER(ctypes.c_size_t)),
        ("input_zero_points", ctypes.POINTER(ctypes.c_int)),
        ("output_zero_points", ctypes.POINTER(ctypes.c_int)),
    ]


@dataclass(frozen=True)
class End:
    """An input or output of a net. `scale` is as the runtime has it: inputs real-to-stored, outputs stored-to-real."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int


class RuntimeFailure(RuntimeError):
    """The library said no."""


class Runtime:
    """An open device with a loaded file; runs the first stage of its first net."""

    def __init__(self, library: str, model: str):
        self.bmlib = ctypes.CDLL("libbmlib.so.0", mode=ctypes.RTLD_GLOBAL)
        self.bmrt = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
        self._declare()
        self.handle = ctypes.c_void_p()
        if status := self.bmlib.bm_dev_request(ctypes.byref(self.handle), 0):
            raise RuntimeFailure(f"the device does not open (status {status})")
        self.runtime = self.bmrt.bmrt_create(self.handle)
        if not self.runtime:
            raise RuntimeFailure("the runtime does not start")
        if not self.bmrt.bmrt_load_bmodel(self.runtime, model.encode()):
            raise RuntimeFailure("the runtime refuses the file")
        names = ctypes.POINTER(ctypes.c_char_p)()
        self.bmrt.bmrt_get_network_names(self.runtime, ctypes.byref(names))
        if not self.bmrt.bmrt_get_network_number(self.runtime):
            raise RuntimeFailure("the file has no net")
        self.net = names[0]
        self.inputs, self.outputs = self._ends()

    def _declare(self) -> None:
        pointer, text, handle = ctypes.POINTER, ctypes.c_char_p, ctypes.c_void_p
        tensors = [pointer(handle), pointer(ShapeStruct), ctypes.c_int]
        signatures = {
            self.bmlib: {
                "bm_dev_request": (ctypes.c_int, [pointer(handle), ctypes.c_int]),
                "bm_thread_sync": (ctypes.c_int, [handle]),
            },
            self.bmrt: {
                "bmrt_create": (handle, [handle]),
                "bmrt_load_bmodel": (ctypes.c_bool, [handle, text]),
                "bmrt_get_network_number": (ctypes.c_int, [handle]),
                "bmrt_get_network_names": (None, [handle, pointer(pointer(text))]),
                "bmrt_get_network_info": (pointer(NetStruct), [handle, text]),
                "bmrt_launch_data": (ctypes.c_bool, [handle, text, *tensors, *tensors, ctypes.c_bool]),
            },
        }
        for library, functions in signatures.items():
            for name, (result, arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments

    def _ends(self) -> tuple[list[End], list[End]]:
        net = self.bmrt.bmrt_get_network_info(self.runtime, self.net)[0]
        stage = net.stages[0]
        self.output_bytes = [net.max_output_bytes[i] for i in range(net.output_count)]
        inputs = (net.input_names, net.input_types, stage.input_shapes, net.input_scales, net.input_zero_points)
        outputs = (net.output_names, net.output_types, stage.output_shapes, net.output_scales, net.output_zero_points)
        return (
            [_end(*(column[i] for column in inputs)) for i in range(net.input_count)],
            [_end(*(column[i] for column in outputs)) for i in range(net.output_count)],
        )

    def launch(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Run once on the stored values of every input; the bytes of every output."""
        outputs = [np.zeros(max(size, 1), np.uint8) for size in self.output_bytes]
        shapes = [ShapeStruct(len(e.shape), (ctypes.c_int * MAX_DIMENSIONS)(*e.shape)) for e in self.inputs]
        output_shapes = (ShapeStruct * len(outputs))()
        done = self.bmrt.bmrt_launch_data(
            self.runtime, self.net,
            _addresses(arrays), (ShapeStruct * len(shapes))(*shapes), len(arrays),
            _addresses(outputs), output_shapes, len(outputs), True,
        )  # fmt: skip
        if not done or self.bmlib.bm_thread_sync(self.handle):
            raise RuntimeFailure("the launch failed")
        return outputs


def _end(name: bytes, code: int, shape: ShapeStruct, scale: float, zero_point: int) -> End:
    if not 0 <= code < len(DATA_TYPES):
        raise RuntimeFailure(f'tensor "{name.decode()}" has data type {code}, which is not handled')
    return End(name.decode(), DATA_TYPES[code], shape.to_tuple(), scale, zero_point)


def _addresses(arrays: list[np.ndarray]) -> ctypes.Array:
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])
