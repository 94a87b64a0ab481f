"""How each model of the regression suites is imported: what a user would know about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """`options` are words for `tpuc transform`. `pictures` is a folder of the zoo's images ("demo" and "samples" need no
    zoo: the pictures of regression/demo, and two photos that scikit-learn carries), or "random" for a model that takes other
    things than pictures; `test_picture` is the one to compare on where the first one shows nothing that the model looks for.
    `is_quantized`: the model brings its scales; it needs no calibration."""

    options: str
    pictures: str
    calibration_count: int = 8
    class_offset: int = 0  # the model's output for class 0
    is_quantized: bool = False
    test_picture: str = ""
    int8_tolerance: str = "0.95,0.70"  # of every tensor against float: that of tutorial 2
    excepts: str = "-"  # not judged in modes of few bits: lists of boxes, where one more moves the rest, and differences of large terms


IMAGENET = "--resize_dims 256,256 --keep_aspect_ratio --keep_ratio_mode short_side_scale --pixel_format rgb"
RECIPES = {
    "digits": Recipe("--pixel_format gray --resize_dims 16,16 --mean 32 --scale 0.015625", "demo", 30),
    "resnet18": Recipe(
        "--input_shapes [[1,3,224,224]] --resize_dims 256,256 --mean 123.675,116.28,103.53"
        " --scale 0.0171,0.0175,0.0174 --pixel_format rgb",
        "samples",
        2,
    ),
    "mnist_8": Recipe("--pixel_format gray --resize_dims 28,28", "mnist_20", 20),
    "resnet8_cifar10": Recipe("--pixel_format rgb --resize_dims 32,32", "cifar10_20", 20),
    "ultraface_rfb_320": Recipe(
        "--pixel_format rgb --resize_dims 240,320 --mean 127,127,127 --scale 0.0078125,0.0078125,0.0078125", "photos"
    ),
    "efficientnet_lite0": Recipe(
        f"{IMAGENET} --mean 127,127,127 --scale 0.0078125,0.0078125,0.0078125", "imagenet1k_256"
    ),
    "mobilenet_v2_dequant": Recipe(
        f"{IMAGENET} --mean 127.5,127.5,127.5 --scale 0.00784314,0.00784314,0.00784314",
        "imagenet1k_256",
        class_offset=1,
    ),
}
