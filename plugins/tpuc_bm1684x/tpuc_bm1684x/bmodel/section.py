"""This project's own data inside a .bmodel: where the vendor's tools keep debug data, behind a magic of our own.

    bytes 0..7   "TPUCSECT"
    bytes 8..11  version of this layout
    bytes 12..15 size of the compressed JSON
    then         zlib-compressed JSON {"content": ..., "blobs": [[name, bytes], ...]}, then the blobs

`content` has, as far as the producer knows them: "preprocessing", "sources" (names and sha256), "calibration", "plan",
"tensors" (the map of every tensor to slices of memory), "weights", "versions", "certificate".
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from tpuc_core.errors import TpucError

MAGIC = b"TPUCSECT"
VERSION = 1
HEAD = struct.Struct("<8sII")


@dataclass
class Section:
    """`content` is JSON-able; `blobs` are bytes by name, for what is too large for JSON."""

    content: dict[str, Any] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    @property
    def certificate(self) -> dict[str, Any] | None:
        return self.content.get("certificate")

    def without_certificate(self) -> Section:
        """The section that the certificate speaks of."""
        return Section({k: v for k, v in self.content.items() if k != "certificate"}, dict(self.blobs))

    def with_certificate(self, certificate: dict[str, Any]) -> Section:
        return Section({**self.content, "certificate": certificate}, dict(self.blobs))


def canonical_json(value: Any) -> bytes:
    """The same bytes for equal values: keys sorted, no blanks. Raises TypeError for what JSON cannot hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def encode_section(section: Section) -> bytes:
    """The section as bytes; the same for equal sections."""
    blobs = sorted(section.blobs.items())
    sizes = [[name, len(data)] for name, data in blobs]
    packed = zlib.compress(canonical_json({"content": section.content, "blobs": sizes}), 6)
    return HEAD.pack(MAGIC, VERSION, len(packed)) + packed + b"".join(data for _, data in blobs)


def decode_section(data: bytes) -> Section | None:
    """The section in `data`, None where another tool's data is there. Raises TpucError for a damaged or newer one."""
    if not data.startswith(MAGIC):
        return None
    try:
        _, version, size = HEAD.unpack_from(data)
        if version > VERSION:
            raise TpucError(
                f"the section of tpuc's own data has layout {version}, this tpuc reads layouts up to {VERSION}"
            )
        content = json.loads(zlib.decompress(data[HEAD.size : HEAD.size + size]))
        blobs, position = {}, HEAD.size + size
        for name, length in content["blobs"]:
            if position + length > len(data):
                raise ValueError
            blobs[name] = data[position : position + length]
            position += length
        return Section(dict(content["content"]), blobs)
    except (struct.error, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise TpucError("the section of tpuc's own data is damaged") from error
