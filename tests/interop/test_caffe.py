"""A detector out of Caffe files goes through the vendor's tools as it goes through ours."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tpuc_caffe"))

from caffe_nets import caffemodel, detector, inputs_text, layer_text, random

pytestmark = pytest.mark.vendor


@pytest.fixture(scope="module")
def detector_of_caffe(make_folder):
    """Locations and scores out of convolutions, boxes out of these."""
    folder = make_folder("caffe")
    text = inputs_text(data=(1, 3, 40, 60)) + layer_text("Convolution", top="map", parameters="convolution_param { num_output: 8 kernel_size: 4 stride: 10 }")
    text += layer_text("ReLU", "map", "map", name="relu")
    text += layer_text("Pooling", "map", "small", "pooling_param { kernel_size: 2 stride: 2 }")
    blobs = {"map": [random(8, 3, 4, 4), random(8)]}
    for name, outputs in (("loc", 12), ("conf", 9)):
        for source in ("map", "small"):
            conv = f"{name}_{source}"
            text += layer_text("Convolution", source, conv, f"convolution_param {{ num_output: {outputs} kernel_size: 1 }}")
            text += layer_text("Permute", conv, f"{conv}_p", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
            text += layer_text("Flatten", f"{conv}_p", f"{conv}_f")
            blobs[conv] = [random(outputs, 8, 1, 1, seed=outputs), random(outputs)]
        text += layer_text("Concat", f"{name}_map_f {name}_small_f", f"{name}_all")
    text += layer_text("Reshape", "loc_all", "loc", "reshape_param { shape { dim: 0 dim: -1 } }")
    text += layer_text("Reshape", "conf_all", "conf", "reshape_param { shape { dim: 0 dim: -1 dim: 3 } }")
    text += detector().partition('layer { name: "conf" type: "Input"')[2].partition("\n")[2]
    (folder.path / "detector.prototxt").write_text(text, encoding="utf-8")
    (folder.path / "detector.caffemodel").write_bytes(caffemodel(blobs))
    folder.ours("tpuc transform --model_name detector --model_def detector.prototxt --test_input random --tolerance 0.999,0.99 --mlir detector.mlir")
    return folder


def test_the_vendor_reads_evaluates_and_compiles_our_import(detector_of_caffe):
    folder = detector_of_caffe
    folder.ours("tpuc run --model detector.mlir --input detector_in_f32.npz --dump_all_tensors --output ours.npz")
    folder.vendors("model_runner --model detector.mlir --input detector_in_f32.npz --dump_all_tensors --output theirs.npz")
    assert "PASSED" in folder.ours("tpuc npz compare ours.npz theirs.npz --tolerance 0.9999,0.99")
    folder.vendors("model_deploy --mlir detector.mlir --chip bm1684x --quantize F32 --model vendor.bmodel")
    folder.ours("tpuc run --model vendor.bmodel --runner bmrt --input detector_in_f32.npz --output compiled.npz")
    found, wanted = folder.npz("compiled.npz")["y"], folder.npz("ours.npz")["y"]
    assert found.shape == wanted.shape and (wanted[..., 2] > 0.3).any()
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_the_vendors_tool_reads_our_final_text(detector_of_caffe):
    folder = detector_of_caffe
    folder.ours("tpuc deploy --mlir detector.mlir --chip bm1684x --quantize F32 --test_input detector_in_f32.npz --model ours.bmodel")
    folder.vendors_opt(["detector_bm1684x_f32_final.mlir", "--mlir-disable-threading", "-o", "again.mlir"])
    assert "subfunc_1" in (folder.path / "again.mlir").read_text(encoding="utf-8")
