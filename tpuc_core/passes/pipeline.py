"""Passes by name and option text, as on the tutorial's command line: `--convert-top-to-tpu="mode=INT8 asymmetric=false"`."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from tpuc_core.errors import TpucError, did_you_mean, unknown
from tpuc_core.passes.base import Pass

# The types of a field that option text can give.
_KINDS = {"bool", "int", "float", "str"}
_WORDS = {"true": True, "1": True, "false": False, "0": False}


@cache
def available_passes() -> dict[str, type[Pass]]:
    """All passes by name: those of this package and of plugins, which may replace them."""
    from tpuc_core.passes import catalogue
    from tpuc_core.plugins import plugins

    return {each.name: each for each in (*catalogue.PASSES, *plugins().passes)}


def pass_of_text(text: str) -> Pass:
    """The pass of an argument such as `--codegen="model_file=a.bmodel"`, with or without the dashes.

    Raises TpucError: unknown pass, unknown option, a value of the wrong kind; each with the valid ones.
    """
    name, _, options = text.removeprefix("--").partition("=")
    classes = available_passes()
    if name not in classes:
        raise unknown("pass", f"--{name}", [f"--{valid}" for valid in sorted(classes)])
    return classes[name](**_options(classes[name], options))


def parse_passes(arguments: Iterable[str]) -> list[Pass]:
    """The passes of several arguments. Raises TpucError."""
    return [pass_of_text(argument) for argument in arguments]


def options_of(pass_class: type[Pass]) -> dict[str, dataclasses.Field[Any]]:
    """The options of a pass by their spelling in the text."""
    fields = (f for f in dataclasses.fields(pass_class) if f.init and _kinds(f.type) & _KINDS)
    return {(f.metadata.get("spelled") or f.name): f for f in fields}


def describe(pass_class: type[Pass]) -> tuple[str, str]:
    """The usage of a pass, `--name="option=default ..."`, and what it does."""
    shown = " ".join(f"{word}={_shown(field)}" for word, field in options_of(pass_class).items())
    summary = " ".join((pass_class.__doc__ or "").strip().split("\n\n")[0].split())
    return f'--{pass_class.name}="{shown}"' if shown else f"--{pass_class.name}", summary


def _shown(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "..."
    return str(field.default).lower() if isinstance(field.default, bool) else str("" if field.default is None else field.default)


def _options(pass_class: type[Pass], text: str) -> dict[str, Any]:
    fields = options_of(pass_class)
    values: dict[str, Any] = {}
    for word in _split(text):
        key, equals, value = word.partition("=")
        if key not in fields:
            valid = did_you_mean(key, fields) if fields else "it has none"
            raise TpucError(f'--{pass_class.name} has no option "{key}"; {valid}')
        if not equals:
            raise TpucError(f'--{pass_class.name}: option "{key}" has no value; write {key}=VALUE')
        field = fields[key]
        values[field.name] = _value(f"--{pass_class.name}: {key}", value, field.type)
    missing = [key for key, f in fields.items() if f.default is dataclasses.MISSING and f.name not in values]
    if missing:
        raise TpucError(f'--{pass_class.name} needs the option "{missing[0]}"; write --{pass_class.name}="{missing[0]}=..."')
    return values


def _split(text: str) -> Sequence[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise TpucError(f'option text "{text}" is not complete: {error}') from error


def _kinds(annotation: Any) -> set[str]:
    """The names of the types in a field's annotation, "int | None" for instance."""
    return set((annotation.__name__ if isinstance(annotation, type) else str(annotation)).split(" | "))


def _value(place: str, text: str, annotation: Any) -> Any:
    """The value of an option; `annotation` is that of its field, as text: "bool", "int | None", ..."""
    kinds = _kinds(annotation)
    if "bool" in kinds:
        if text.lower() not in _WORDS:
            raise TpucError(f'{place} cannot be "{text}"; valid: true, false')
        return _WORDS[text.lower()]
    for kind, noun in ((int, "a whole number"), (float, "a number")):
        if kind.__name__ in kinds:
            try:
                return kind(text)
            except ValueError:
                raise TpucError(f'{place} cannot be "{text}"; {noun} is wanted') from None
    return text
