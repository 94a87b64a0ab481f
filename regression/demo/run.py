"""The main job on a small model: what `make demo` shows.

    python regression/demo/run.py [DIRECTORY]      default: demo_out in the current directory

Imports digits.onnx, compares every tensor with onnxruntime, calibrates, quantizes to INT8 and compiles, then measures the compiled
file: every tensor against the interpreter, accuracy on 597 images that training never saw, cycles. Every step is a public command,
printed before it runs; it can be typed again in DIRECTORY.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PICTURE = "images/calibration/0000.png"


@dataclass(frozen=True)
class Step:
    """A command: why it runs, its words (with "ONNX" and "ZIP" for the demo's own files), and a pattern for the lines of its output
    that the summary repeats. Of a long output only the last `tail` lines are shown."""

    title: str
    words: str
    summary: str = "$^"
    tail: int = 40


STEPS = [
    Step("Unpack the images", "python -m zipfile -e ZIP images"),
    Step("Import the model; compare every tensor with onnxruntime on one picture",
         "tpuc transform --model_name digits --model_def ONNX --pixel_format gray --resize_dims 16,16 --mean 32 --scale 0.015625"
         f" --test_input {PICTURE} --tolerance 0.999,0.999 --mlir digits.mlir -v", r"tensors compared with onnx"),
    Step("Find the range of every tensor on 60 pictures", "tpuc calibrate digits.mlir --dataset images/calibration -o digits_cali_table", tail=2),
    Step("Quantize to INT8, compile, and prove the file",
         f"tpuc deploy --mlir digits.mlir --chip bm1684x --quantize INT8 --calibration_table digits_cali_table --test_input {PICTURE}"
         " --model digits_int8.bmodel", r"^(plan|float|proof|time):"),
    Step("The certificate, checked again from the file alone", "tpuc bmodel verify digits_int8.bmodel"),
    Step("The interpreter's integers ...",
         "tpuc run --model digits_bm1684x_int8_sym_tpu.mlir --input digits_in_f32.npz --dump_all_tensors --out_fixed --output interpreted.npz"),
    Step("... and the simulator's, which reads nothing but the bytes of the compiled file; where the time goes",
         "tpuc run --model digits_int8.bmodel --input digits_in_f32.npz --dump_all_tensors --out_fixed --output simulated.npz --profile"),
    Step("Both, tensor by tensor: bit for bit", "tpuc npz compare simulated.npz interpreted.npz --tolerance 1,1 --int8_tensor_close 0 -v"),
    Step("Accuracy of the float model in onnxruntime", "tpuc eval imagenet --model ONNX --mlir digits.mlir --dataset images/test",
         r"images, top-1", tail=2),
    Step("Accuracy of the compiled file in the simulator", "tpuc eval imagenet --model digits_int8.bmodel --dataset images/test",
         r"images, top-1", tail=2),
]

FILES = {
    "digits.mlir": "the model as `top` ops, float; its weights are in digits_top_f32_all_weight.npz",
    "digits_in_f32.npz": "the picture as the model's input",
    "digits_cali_table": "threshold, minimum and maximum of every tensor",
    "digits_bm1684x_int8_sym_tpu.mlir": "the quantized model as `tpu` ops",
    "digits_bm1684x_int8_sym_final.mlir": "the same with layer groups and addresses",
    "digits_int8.bmodel": "the compiled file, with its certificate",
}


def run(step: Step, number: int, directory: Path) -> list[str]:
    """Print the command, run it in the directory, print its output; the lines for the summary. Ends the demo where it fails."""
    ours = {"ONNX": HERE / "digits.onnx", "ZIP": HERE / "digits.zip"}
    words = [os.path.relpath(ours[word], directory) if word in ours else word for word in shlex.split(step.words)]
    print(f"\n[{number}/{len(STEPS)}] {step.title}\n\n  $ {shlex.join(words)}", flush=True)
    program = sys.executable if words[0] == "python" else str(Path(sys.executable).with_name(words[0]))
    done = subprocess.run([program, *words[1:]], cwd=directory, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = done.stdout.splitlines()
    if len(lines) > step.tail and done.returncode == 0:
        print(f"    ({len(lines) - step.tail} more lines)")
        lines = lines[-step.tail :]
    print("".join(f"    {line}\n" for line in lines), end="", flush=True)
    if done.returncode != 0:
        sys.exit(f"demo: this command ended with exit code {done.returncode}")
    return [line for line in lines if re.search(step.summary, line)]


def main(arguments: Sequence[str]) -> None:
    directory = Path(arguments[0] if arguments else "demo_out").resolve()
    directory.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    print(f"The commands run in {directory}")
    summary = [line for number, step in enumerate(STEPS, 1) for line in run(step, number, directory)]
    print("\nSummary\n")
    print("".join(f"    {line}\n" for line in summary))
    print(f"Files in {directory}\n")
    for name, content in FILES.items():
        print(f"    {name:36}{(directory / name).stat().st_size:>9,} bytes  {content}")
    print(f"\n{time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main(sys.argv[1:])
