"""The process that loads the runtime library: `python -m tpuc_bmrt.worker SOCKET LIBRARY MODEL`.

It says ("ready", inputs, outputs), then answers each list of arrays by ("done", seconds, arrays); or it says
("failed", why) and ends. The library prints, exits, aborts and hangs as it likes, which is why it is alone in here.
"""

from __future__ import annotations

import os
import sys
import time
from multiprocessing.connection import Connection

from tpuc_bmrt.runtime import Runtime, RuntimeFailure


def serve(connection: Connection, library: str, model: str) -> None:
    """Answer until the other side closes."""
    try:
        runtime = Runtime(library, model)
        connection.send(("ready", runtime.inputs, runtime.outputs))
        while True:
            arrays = connection.recv()
            began = time.perf_counter()
            outputs = runtime.launch(arrays)
            connection.send(("done", time.perf_counter() - began, outputs))
    except (RuntimeFailure, OSError, AttributeError) as error:  # AttributeError: one of the functions is missing
        connection.send(("failed", str(error)))


if __name__ == "__main__":
    try:
        serve(Connection(int(sys.argv[1])), *sys.argv[2:])
    except (EOFError, BrokenPipeError):
        pass  # the other side is gone
    finally:
        sys.stdout.flush()
        os._exit(0)  # the library's own shutdown is slow and may crash; nothing is left to save
