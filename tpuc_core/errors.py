"""The errors that a user can mend: one sentence that says what, where, and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TpucError(Exception):
    """What a user can mend. The command line prints it as one sentence and exits with 1; `--debug` shows the traceback."""


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """The tail of an error message: the valid names, and the nearest of them where one is near."""
    valid = list(valid)
    near = difflib.get_close_matches(word.lower(), [v.lower() for v in valid], n=1)
    hint = next((f"; did you mean \"{v}\"?" for v in valid if near and v.lower() == near[0]), "")
    return f"valid: {', '.join(valid) or 'none'}{hint}"


def unknown(kind: str, word: str, valid: Iterable[str], place: str = "") -> TpucError:
    """The error for a name that is not in a list: `unknown mode "FP32"; valid: F32, INT8; did you mean "F32"?`. `place` stands before it."""
    return TpucError(f'{place}unknown {kind} "{word}"; {did_you_mean(word, valid)}')
