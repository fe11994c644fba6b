"""How bodies are stored: zstd, with a dictionary that a domain's own forms trained.

A form of a kilobyte shrinks to a seventh when the dictionary knows its skeleton. The
digest of the log is taken of the raw bytes, so this is a matter of storage alone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL = 3
_DICTIONARY_BYTES = 32 * 1024
_LARGEST_SAMPLE = 16 * 1024
_DICTIONARY_PAYS_BELOW = 64 * 1024
_FEWEST_SAMPLES = 64


class Codec:
    """Compresses and decompresses bodies with one dictionary, or with none."""

    def __init__(self, number: int, content: bytes | None) -> None:
        """Prepare the dictionary for both directions."""
        self.number = number
        self.content = content
        self._dictionary = zstd.ZstdDict(content) if content else None
        self._compressor = zstd.ZstdCompressor(
            _LEVEL,
            zstd_dict=self._dictionary and self._dictionary.as_digested_dict,
        )

    def compress(self, body: bytes) -> bytes:
        """Return the compressed bytes."""
        return self._compressor.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)

    def decompress(self, stored: bytes) -> bytes:
        """Return the raw bytes; raises ``zstd.ZstdError`` when they are damaged."""
        return zstd.decompress(
            stored, self._dictionary and self._dictionary.as_digested_dict
        )


PLAIN = Codec(0, None)
DecompressionError = zstd.ZstdError
StreamCompressor = zstd.ZstdCompressor
StreamDecompressor = zstd.ZstdDecompressor


def pays(body: bytes) -> bool:
    """Tell whether a dictionary helps a body of this size."""
    return len(body) < _DICTIONARY_PAYS_BELOW


def train(bodies: Sequence[bytes]) -> bytes | None:
    """Return a dictionary for bodies like these, ``None`` when there are too few."""
    samples = [body for body in bodies if len(body) <= _LARGEST_SAMPLE]
    if len(samples) < _FEWEST_SAMPLES:
        return None
    try:
        return zstd.train_dict(samples, _DICTIONARY_BYTES).dict_content
    except zstd.ZstdError:
        return None
