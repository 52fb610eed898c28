"""Text tokens on disk: a prompt that was used before needs no text encoder, which is half of what a large model weighs.

A file a prompt, named by a hash of what the tokens depend on. The least recently used go when there are too many.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

GB = 1_000_000_000
DEFAULT_LIMIT = GB  # 40 prompts of the published model in float32: 25 MB each
_SUFFIX, _TENSOR = ".safetensors", "tokens"


def key_of(*parts: str) -> str:
    """For what tokens depend on: the text encoder, how it is asked, the prompt."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode()
        digest.update(len(encoded).to_bytes(8, "little") + encoded)  # lengths: ("ab", "c") is not ("a", "bc")
    return digest.hexdigest()


class EmbeddingCache:
    """Tokens by key, in a folder that may be shared by processes and deleted at any time.

    limit  bytes of all files together; what is larger alone is not kept
    Nothing here fails a request: what cannot be read is a miss, what cannot be written is not kept.
    """

    def __init__(self, folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._folder, self._limit = folder, limit

    def get(self, key: str) -> Tensor | None:
        """None where it is not there, or damaged: then it is removed."""
        path = self._path(key)
        try:
            tokens = load_file(path)[_TENSOR].clone()  # not mapped: the file may be deleted meanwhile
        except FileNotFoundError:
            return None
        except (OSError, SafetensorError, KeyError):
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
        return tokens

    def put(self, key: str, tokens: Tensor) -> None:
        """Keep tokens, whole or not at all."""
        temporary = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".part")
            os.close(handle)
            temporary = Path(name)
            save_file({_TENSOR: tokens.detach().cpu().contiguous()}, temporary)
            if temporary.stat().st_size <= self._limit:
                temporary.replace(self._path(key))
        except (OSError, SafetensorError):
            pass
        finally:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
        self._drop_oldest()

    def clear(self) -> None:
        for path in self._files():
            with contextlib.suppress(OSError):
                path.unlink()

    def _drop_oldest(self) -> None:
        used = []
        for path in self._files():
            with contextlib.suppress(OSError):
                state = path.stat()
                used.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in used)
        for _, size, path in sorted(used):
            if total <= self._limit:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def _files(self) -> list[Path]:
        return list(self._folder.glob(f"*{_SUFFIX}"))

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"
