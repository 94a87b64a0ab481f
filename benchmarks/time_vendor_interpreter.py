"""Seconds of each inference of the vendor's interpreter, start-up left out. Runs in the vendor's environment:

    python time_vendor_interpreter.py MODEL.mlir INPUT.npz REPEAT

Prints a list in JSON. The first run is not in it.
"""

import json
import os
import sys
import time


def main(mlir: str, inputs: str, repeat: str) -> None:
    import numpy as np
    import pymlir

    pymlir.set_mem_mode("value_mem")
    module = pymlir.module()
    module.load(mlir)
    array = next(iter(np.load(inputs).values())).astype(np.float32)
    seconds = []
    for _ in range(int(repeat) + 1):
        start = time.perf_counter()
        module.set_tensor(module.input_names[0], array, array.shape)
        module.invoke(True)
        module.get_all_tensor()
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    if "TPUC_ROOT" not in os.environ:
        import tpu_mlir  # sets the paths of its libraries, for processes that start after it

        os.environ["TPUC_ROOT"] = os.environ.get("TPUC_ROOT") or os.path.dirname(tpu_mlir.__file__)
        os.execv(sys.executable, [sys.executable, *sys.argv])
    main(*sys.argv[1:])
