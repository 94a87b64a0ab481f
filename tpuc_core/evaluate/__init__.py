"""Float evaluation of models in the `top` dialect, with numpy and BLAS."""

from tpuc_core.evaluate.evaluator import Evaluator, evaluate
from tpuc_core.evaluate.session import FloatSession

__all__ = ["Evaluator", "FloatSession", "evaluate"]
