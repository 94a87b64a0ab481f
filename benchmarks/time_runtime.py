"""Seconds of each launch of a bmodel in the vendor's runtime, start-up left out: python time_runtime.py MODEL INPUT.npz REPEAT.

Prints a list in JSON.
"""

from __future__ import annotations

import json
import sys

from tpuc_bmrt.timing import time_bmodel

from tpuc_core.npz import load_npz

if __name__ == "__main__":
    model, inputs, repeat = sys.argv[1:]
    print(json.dumps(time_bmodel(model, load_npz(inputs), int(repeat))))
