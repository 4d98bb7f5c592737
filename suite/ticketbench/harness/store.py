"""The store: checkpoints on disk, addressed by the digest of what produced them.

A *line* is one course of training: where it starts and all that decides it. A checkpoint lies under its line
and step, `kept/` for good or `cache/` while there is room, as safetensors; nothing is ever unpickled.
Processes may share a store: files appear whole, and a line is trained under its lock.
"""

import fcntl
import json
import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from struct import unpack
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ticketbench.errors import TicketbenchError
from ticketbench.methods.state import History, State

DEFAULT_LIMIT = 10 * 2**30
_TIERS = ("kept", "cache")
_LOCKS = 4096
_REMEMBERED = 8


@dataclass(frozen=True)
class Measured:
    """What a training took, from its line's start: seconds by the clock, of the device, and peak memory."""

    wall_seconds: float = 0.0
    device_seconds: float = 0.0
    peak_memory_bytes: int = 0

    def __add__(self, other: "Measured") -> "Measured":
        return Measured(
            self.wall_seconds + other.wall_seconds,
            self.device_seconds + other.device_seconds,
            max(self.peak_memory_bytes, other.peak_memory_bytes),
        )


@dataclass(frozen=True)
class Stored:
    """A checkpoint as the store has it."""

    state: State
    measured: Measured


class Store:
    """Checkpoints below `root`. The cache tier is held to about `limit` bytes, least recently used first out."""

    def __init__(self, root: Path, limit: int = DEFAULT_LIMIT):
        self.root, self.limit = root, limit
        self._written_since_sweep = limit  # sweep at the first write
        self._remembered: OrderedDict[tuple[str, int], Stored] = OrderedDict()
        try:
            (root / "locks").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TicketbenchError(f"The store {root} cannot be made: {error.strerror}.") from None

    def get(self, line: str, step: int) -> Stored | None:
        """The checkpoint of a line at a step, None where there is none. A damaged file is none, and goes."""
        known = self._remembered.get((line, step))
        if known is not None:
            self._remembered.move_to_end((line, step))
            return known
        for tier in _TIERS:
            path = self._path(tier, line, step)
            try:
                content = path.read_bytes()
            except OSError:
                continue
            found = _decoded(content)
            with suppress(OSError):  # a store that can only be read answers too
                path.unlink() if found is None else os.utime(path)
            if found is None:
                continue
            self._remember(line, step, found)
            return found
        return None

    def put(self, line: str, step: int, stored: Stored, *, keep: bool) -> None:
        """Store a checkpoint, for good where `keep`. Raises `TicketbenchError` where the disk refuses."""
        path = self._path("kept" if keep else "cache", line, step)
        content = _encoded(stored)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            raise self._unwritable(error) from None
        self._remember(line, step, stored)
        if not keep:
            self._written_since_sweep += len(content)
            if self._written_since_sweep > self.limit // 20:
                self._sweep()

    def keep(self, line: str, step: int) -> None:
        """Move a checkpoint from the cache among those kept for good. Raises `TicketbenchError` as `put` does."""
        cached, kept = self._path("cache", line, step), self._path("kept", line, step)
        if kept.exists():
            return
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            cached.replace(kept)
        except FileNotFoundError:  # another process moved it or, to make room, removed it
            known = self._remembered.get((line, step))
            if known is not None and not kept.exists():
                self.put(line, step, known, keep=True)
        except OSError as error:
            raise self._unwritable(error) from None

    def steps(self, line: str) -> list[int]:
        """The steps at which this line has checkpoints, in order."""
        found: set[int] = set()
        for tier in _TIERS:
            folder = self._path(tier, line, 0).parent
            found |= {int(p.stem) for p in folder.glob("*.safetensors") if p.stem.isdigit()}
        return sorted(found)

    @contextmanager
    def lock(self, line: str) -> Iterator[None]:
        """Held by one process at a time for a line; let go of when the process ends, however it ends."""
        number = int(line[:8], 16) % _LOCKS
        with ExitStack() as held:
            try:
                file = held.enter_context((self.root / "locks" / f"{number:04d}").open("w"))
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                raise self._unwritable(error) from None
            yield

    def _path(self, tier: str, line: str, step: int) -> Path:
        return self.root / tier / line[:2] / line / f"{step}.safetensors"

    def _remember(self, line: str, step: int, stored: Stored) -> None:
        self._remembered[line, step] = stored
        self._remembered.move_to_end((line, step))
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)

    def _sweep(self) -> None:
        """Bring the cache under its limit, and clear away what a killed process left half written."""
        self._written_since_sweep = 0
        found = []
        for path in (path for tier in _TIERS for path in (self.root / tier).rglob("*")):
            with suppress(OSError):  # another process may have been faster
                about = path.stat()
                if path.suffix == ".tmp" and time.time() - about.st_mtime > 3600:
                    path.unlink()
                elif path.suffix == ".safetensors" and path.is_relative_to(self.root / "cache"):
                    found.append((about.st_mtime_ns, about.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self.limit:
                break
            with suppress(OSError):
                path.unlink()
            total -= size

    def _unwritable(self, error: OSError) -> TicketbenchError:
        return TicketbenchError(
            f"The store {self.root} cannot be written: {error.strerror}. Nothing in it was lost; make room or "
            "name another with --store, and the same command goes on where it stopped."
        )


def _encoded(stored: Stored) -> bytes:
    state = stored.state
    groups = state.groups()
    tensors = {f"{group}:{name}": tensor for group, named in groups.items() for name, tensor in named.items()}
    facts = {
        "step": state.step,
        "has_optimizer": state.optimizer is not None,
        "optimizer_name": state.optimizer_name,
        "history": state.history.facts(),
        "measured": asdict(stored.measured),
        "order": {group: list(named) for group, named in groups.items()},
        "digest": state.digest(),
    }
    return save(tensors, metadata={"checkpoint": json.dumps(facts)})


def _decoded(content: bytes) -> Stored | None:
    """The inverse of `_encoded`; None where the bytes are not what was encoded."""
    try:
        stored, digest = _read(content)
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None
    return stored if stored.state.digest() == digest else None


def _read(content: bytes) -> tuple[Stored, str]:
    facts: dict[str, Any] = json.loads(_metadata(content)["checkpoint"])
    tensors = load(content)

    def group(name: str) -> dict[str, Tensor]:
        return {each: tensors[f"{name}:{each}"] for each in facts["order"].get(name, ())}

    state = State(
        step=facts["step"],
        weights=group("weights"),
        buffers=group("buffers"),
        mask=group("mask"),
        memory=group("memory"),
        optimizer=group("optimizer") if facts["has_optimizer"] else None,
        optimizer_name=facts["optimizer_name"],
        extra=group("extra"),
        history=History.from_facts(facts["history"], group("origin"), group("anchor")),
    )
    return Stored(state, Measured(**facts["measured"])), facts["digest"]


def _metadata(content: bytes) -> dict[str, str]:
    """The free-text part of a safetensors header: eight bytes of length, then JSON."""
    if len(content) < 8:
        raise ValueError("too short")
    (length,) = unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata: dict[str, str] = header["__metadata__"]
    return metadata
