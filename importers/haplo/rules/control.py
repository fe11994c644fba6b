"""Control files: what they must be (``rules/batch-imports.md`` 1.4 and 1.4.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from importers.haplo.rules.checks import list_error
from importers.haplo.rules.models import BadDestinations, Model, model_of
from importers.haplo.rules.scripting import is_number, is_truthy, shown

READERS = (
    "json",
    "xml-text-of-children",
    "xml-attributes",
    "tsv-with-name-row",
    "csv-with-name-row",
    "xlsx-with-name-row",
)
DEFAULT = "DEFAULT"

_VERSION = "dataImportControlFileVersion"


class NotJson(ValueError):
    """The bytes are no JSON in UTF-8."""


class InvalidControl(ValueError):
    """The JSON is no control file; ``errors`` say why, in order."""

    def __init__(self, errors: tuple[str, ...]) -> None:
        """Keep the texts."""
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A control file that passed every check."""

    json: Mapping[str, Any]
    model: Model

    def file_properties(self, name: str) -> Mapping[str, Any] | None:
        """Return how the file of a name is read, ``None`` if nothing tells."""
        files: Mapping[str, Any] = self.json["files"]
        found: Mapping[str, Any] | None = files.get(name, files.get(DEFAULT))
        return found


def read_control(content: bytes) -> Control:
    """Return the control file that bytes are; raises ``NotJson``, ``InvalidControl``.

    All checks run, and each contributes one error at most.
    """
    try:
        found = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        raise NotJson("Uploaded file is not JSON") from None
    control: dict[str, Any] = found if isinstance(found, dict) else {}
    model, unusable = _model(control)
    errors = [
        *_version_errors(control),
        *_model_errors(control, model, unusable),
        *_instruction_errors(control.get("instructions")),
        *_files_errors(control.get("files")),
        *_processor_errors(control.get("recordProcessor")),
        *([] if unusable is None else [f"Invalid destinations property: {unusable}"]),
    ]
    if errors or model is None:
        raise InvalidControl(tuple(errors))
    return Control(json=control, model=model)


def _model(control: Mapping[str, Any]) -> tuple[Model | None, str | None]:
    """Return the model, or what is wrong with its destinations."""
    try:
        return model_of(control), None
    except BadDestinations as error:
        return None, str(error)


def _version_errors(control: Mapping[str, Any]) -> Iterator[str]:
    if _VERSION not in control:
        yield "Not a control file"
    elif not is_number(control[_VERSION]) or control[_VERSION] != 0:
        yield "Bad version of control file, should be 0"


def _model_errors(
    control: Mapping[str, Any], model: Model | None, unusable: str | None
) -> Iterator[str]:
    name = control.get("model")
    if not is_truthy(name):
        yield "Control file does not specify model in the model property"
    elif model is None and unusable is None:
        yield f"Model not implemented: {shown(name)}"


def _instruction_errors(instructions: Any) -> Iterator[str]:
    if not isinstance(instructions, list):
        yield (
            "Control file does not specify processing instructions in the "
            "instructions property"
        )
        return
    error = list_error(instructions)
    if error is not None:
        yield error


def _files_errors(files: Any) -> Iterator[str]:
    """Yield the error of the last bad file."""
    if not isinstance(files, dict):
        yield "Control file does not have files property"
        return
    bad = [error for name in files for error in _file_error(name, files[name])]
    yield from bad[-1:]


def _file_error(name: str, properties: Any) -> Iterator[str]:
    reader = properties.get("read") if isinstance(properties, dict) else None
    if not is_truthy(reader):
        yield f"Reader not specified for file {shown(name)}"
    elif reader not in READERS:
        yield f"Unknown reader for file {shown(name)}: {shown(reader)}"


def _processor_errors(processor: Any) -> Iterator[str]:
    if is_truthy(processor):
        yield (
            "Unknown record processor specified in recordProcessor property: "
            f"{shown(processor)}"
        )
