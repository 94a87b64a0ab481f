"""What becomes of each node test of the package onnx: `python tests/tpuc_onnx/node_conformance.py` writes data/node_cases.txt.

A line is a case and how it passes: "all" with every input a tensor of the network, "first" with all but the first one
constants of the model. Cases that are not in the list are refused with a TpucError.
"""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import onnx

sys.path.insert(0, str(Path(__file__).parent))
from onnx_node_cases import with_constants
from tpuc_onnx.graph import Graph
from tpuc_onnx.importer import import_graph
from tpuc_onnx.patterns import fuse_patterns
from tpuc_onnx.simplify import settle

from tpuc_core.errors import TpucError
from tpuc_core.evaluate import evaluate
from tpuc_core.ir import Model, tensor_name

LIST = Path(__file__).parent / "data" / "node_cases.txt"
# cases that say nothing about what is computed: random values, and gradients of training
IGNORED = ("bernoulli", "randomuniform", "random_normal", "adagrad", "adam", "momentum")


@cache
def all_cases() -> dict[str, object]:
    """Every node test by its name, without those that are the same model for another data set."""
    from onnx.backend.test.case import node

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        cases = node.collect_testcases(None)
    return {c.name.removeprefix("test_"): c for c in cases if not any(word in c.name for word in IGNORED)}


def ways(case) -> Iterator[tuple[str, int]]:
    """How many inputs to leave variable, under the word for it."""
    count = len(case.model.graph.input)
    yield "all", count
    if count > 1 and is_numeric(case):
        yield "first", 1


def is_numeric(case) -> bool:
    """Whether everything that goes in and out is an array of numbers that numpy has."""
    arrays, expected = case.data_sets[0]
    numbers = (np.bool_, np.integer, np.floating)
    return all(isinstance(a, onnx.TensorProto) or issubclass(getattr(a, "dtype", np.dtype(object)).type, numbers) for a in [*arrays, *expected])


def verdict(case) -> str:
    """ "all" or "first" where the results are the expected ones, else "refused", "wrong" or "crashed" with the reason."""
    reasons = []
    for word, variables in ways(case):
        try:
            difference = run(case, variables)
        except TpucError as error:
            reasons.append(f"refused: {error}")
            continue
        except Exception:  # whatever it is, a crash is the finding
            return f"crashed: {traceback.format_exc().strip().splitlines()[-1]}"
        if difference is None:
            return word
        reasons.append(f"wrong: {difference}")
    return next((r for r in reasons if r.startswith("wrong")), reasons[-1])


def run(case, variables: int) -> str | None:
    """None where import and evaluation give the expected results, else what differs. Raises TpucError."""
    if not is_numeric(case):
        import_graph(Graph.from_model(settle(onnx.ModelProto.FromString(case.model.SerializeToString()), None, (), {})), "net")
        return "sequences, text or numbers that numpy lacks are not refused"
    model, inputs, expected = with_constants(case, variables)
    shapes = [array.shape for array in inputs.values()]
    graph = fuse_patterns(Graph.from_model(settle(model, shapes, (), {})))
    imported = import_graph(graph, "net")
    with np.errstate(all="ignore"):
        tensors = evaluate(imported, inputs)
    return next((d for d in (differences(tensors, imported, expected)) if d), None)


def differences(tensors: dict[str, np.ndarray], imported: Model, expected: list[np.ndarray]) -> Iterator[str]:
    for value, wanted in zip(imported.outputs, expected):
        got = tensors[tensor_name(value)]
        if got.size != wanted.size or (wanted.ndim and got.shape != wanted.shape):
            yield f"shape {got.shape} where {wanted.shape} is right"
            continue
        close = np.isclose(got.reshape(wanted.shape).astype(np.float64), wanted.astype(np.float64), 1e-3, 2e-5, equal_nan=True)
        if not close.all():
            yield f"{np.count_nonzero(~close)} of {wanted.size} elements differ"


def main() -> None:
    lines, others = [], []
    for name, case in sorted(all_cases().items()):
        found = verdict(case)
        (lines if found in ("all", "first") else others).append(f"{name} {found}")
    LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(others))
    print(f"{len(lines)} pass, {sum('refused' in o for o in others)} are refused, {sum('refused' not in o for o in others)} fail")


if __name__ == "__main__":
    main()
