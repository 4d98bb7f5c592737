"""Numerics: the arithmetic track `fp32`, and randomness as a function of what it is for.

No generator is carried along a training. Every draw comes from a generator seeded by the digest of its
purpose - seed, data order, epoch or step - so it does not matter how one got there.
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch

NUMERICS = "fp32"


def configure() -> None:
    """Bring torch into the `fp32` track: strict float32, deterministic kernels, one thread, no denormals.

    One thread a training: bits then do not depend on the number of cores, and processes side by side use
    them better. Calling it again costs nothing.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.set_deterministic_debug_mode("error")  # use_deterministic_algorithms, which also loads torch's compiler
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.set_flush_denormal(True)


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """All that `configure` and a search set of torch on the CPU, set back after; torch's generator too.

    Whether denormals are flushed cannot be read: it becomes what torch starts with.
    """
    deterministic: Any = torch.utils.deterministic
    threads, debug = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    filled, precision = deterministic.fill_uninitialized_memory, torch.get_float32_matmul_precision()
    cudnn = torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32
    gradients, dtype, device = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_default_device()
    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(debug)
        deterministic.fill_uninitialized_memory = filled
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32 = cudnn
        torch.set_flush_denormal(False)
        torch.set_grad_enabled(gradients)
        torch.set_default_dtype(dtype)
        torch.set_default_device(device if device.type != "cpu" else None)  # a device that is set slows every tensor
        torch.set_rng_state(state)


def seed_of(*purpose: str | int) -> int:
    """A seed in [0, 2^63) that is a function of its purpose."""
    digest = hashlib.sha256(json.dumps(purpose).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(*purpose: str | int) -> torch.Generator:
    """A CPU generator for one purpose."""
    return torch.Generator().manual_seed(seed_of(*purpose))


def seed_global(device: torch.device, *purpose: str | int) -> None:
    """Seed torch's own generators, which dropout and method code draw from."""
    seed = seed_of(*purpose)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)


def device_kind(device: torch.device) -> str:
    """What decides the bits beside the software: the processor's instruction set and maker, by both of which
    linear algebra picks its kernels, or the accelerator's model."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"cpu {platform.machine()} {torch.backends.cpu.get_cpu_capability()} {_maker()}".rstrip()


@cache
def _maker() -> str:
    """Who made the processor, as Linux tells it; elsewhere the machine says enough."""
    try:
        said = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    except OSError:
        return ""
    named = {key.strip(): value.strip() for key, value in said.items()}.get("vendor_id", "")
    return {"AuthenticAMD": "AMD", "GenuineIntel": "Intel"}.get(named, named)
