"""Data sets in the layout of the Hugging Face hub: from a folder or a local mirror, or else from the hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any

from ticketbench.data.sources import Layout, OwnSource
from ticketbench.errors import TicketbenchError
from ticketbench.paths import folder_named_by

_SECONDS_TO_ANSWER = 5.0


@contextmanager
def stored_splits(name: str, source: Layout, *others: str) -> Iterator[tuple[dict[str, Any], str]]:
    """A data set's splits as the `datasets` library opens them, and where they lie, in words.

    From the source's folder if it is one, from `$TICKETBENCH_DATA/<hub id>` where there is such a folder, else from
    the hub. They are read inside the `with`. Raises `TicketbenchError` where there is none of these, it cannot be
    opened, or lacks the training split, the test split or one of the `others`.
    """
    folder = _mirror(name, source)
    where = str(folder) if folder else f"{source.id} on the Hugging Face hub"
    wanted = ("train", *others, source.test)
    with _quiet(), _unshared_bars():
        stored = _open_mirror(name, source, folder) if folder else _open_hub(name, source)
        if missing := set(wanted) - set(stored):
            hint = " The key data.test names the test split." if isinstance(source, OwnSource) else ""
            raise TicketbenchError(
                f"{name}: {where} lacks the split {' and '.join(sorted(missing))}; "
                f"it has {', '.join(sorted(stored))}, expected {' and '.join(wanted)}.{hint}"
            )
        yield stored, where


def batches(stored: Any, size: int, where: str) -> Iterator[dict[str, list[Any]]]:
    """A split in its stored order, `size` examples at once, by column. `where` begins the message of its error."""
    try:
        yield from stored.iter(size)
    except Exception as error:  # the library raises what its many readers raise
        raise TicketbenchError(f"{where}: cannot be read: {reason(error)}.") from error


def reason(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of errors, in one line: long messages end with why."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return " ... ".join(dict.fromkeys((lines[0], lines[-1]))).rstrip(".")


def _mirror(name: str, source: Layout) -> Path | None:
    if isinstance(source, OwnSource) and source.folder:
        if not Path(source.id).is_dir():
            raise TicketbenchError(
                f"{name}: {source.id} is not a folder; expected one that holds {_images_of(source)}."
            )
        return Path(source.id)
    root = folder_named_by("TICKETBENCH_DATA")
    if root is None:
        return None
    if not root.is_dir():
        raise TicketbenchError(
            f"{name}: TICKETBENCH_DATA is {root}, which is not a folder. "
            f"Set it to a folder that holds {source.id} in the hub's layout, or unset it."
        )
    folder = root / source.id
    return folder if folder.is_dir() else None


def _open_mirror(name: str, source: Layout, folder: Path) -> dict[str, Any]:
    import datasets

    try:
        # Streamed, or the library first writes a second copy of every file to the disk; its own cache folder,
        # which it wants nevertheless, may lie where nothing can be written.
        with TemporaryDirectory() as nothing:
            stored: dict[str, Any] = datasets.load_dataset(
                str(folder), source.config, streaming=True, cache_dir=nothing
            )
    except Exception as error:  # the library raises what its many readers raise
        if isinstance(source, OwnSource) and source.folder:
            read_as = "images"
            expected = f"{_images_of(source)}, in a folder without any of *?[]{{}} in its path"
        else:
            read_as = f"configuration {source.config} of {source.id}" if source.config else source.id
            expected = f"its README.md and the files of the splits train and {source.test}, as on the hub"
        raise TicketbenchError(
            f"{name}: {folder} cannot be read as {read_as}: {reason(error)}. Expected {expected}."
        ) from error
    return stored


def _images_of(source: Layout) -> str:
    return f"images as train/CLASS/* and {source.test}/CLASS/*, of two classes or more"


def _open_hub(name: str, source: Layout) -> dict[str, Any]:
    import datasets

    silence = _silence(source)
    before = datasets.config.HF_HUB_OFFLINE
    try:
        # Told that it is offline, the library looks into its own cache at once; else it retries for half a minute.
        datasets.config.HF_HUB_OFFLINE = before or silence is not None
        stored: dict[str, Any] = datasets.load_dataset(source.id, source.config)
    except Exception as error:  # the library raises what its many readers raise
        root = folder_named_by("TICKETBENCH_DATA")
        looked = f"is neither in TICKETBENCH_DATA ({root}) nor" if root else "is not"
        raise TicketbenchError(
            f"{name}: {source.id} {looked} to be had from the Hugging Face hub ({silence or reason(error)}). "
            f"Set TICKETBENCH_DATA to a folder that holds {source.id} in the hub's layout, "
            "or connect to the network once."
        ) from error
    finally:
        datasets.config.HF_HUB_OFFLINE = before
    return stored


def _silence(source: Layout) -> str | None:
    """Why the hub does not answer, or nothing where it does (whatever it says)."""
    import huggingface_hub

    if huggingface_hub.constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    address = f"{huggingface_hub.constants.ENDPOINT}/api/datasets/{source.id}"
    try:
        huggingface_hub.get_session().head(address, timeout=_SECONDS_TO_ANSWER)
    except Exception as error:  # requests or httpx, by the version of huggingface_hub
        return f"no answer from {huggingface_hub.constants.ENDPOINT}: {reason(error)}"
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars or log lines from the library, whose settings are left as they were."""
    import datasets
    import huggingface_hub

    log = datasets.utils.logging
    verbosity = log.get_verbosity()
    bars = [m for m in (datasets.utils, huggingface_hub.utils) if not m.are_progress_bars_disabled()]
    log.set_verbosity(log.CRITICAL)
    for module in bars:
        module.disable_progress_bars()
    try:
        yield
    finally:
        log.set_verbosity(verbosity)
        for module in bars:
            module.enable_progress_bars()


@contextmanager
def _unshared_bars() -> Iterator[None]:
    """Progress bars, even those that are not shown, have a lock. By default it holds between processes as well: a
    semaphore of the system's, which Python calls leaked where a process ends early."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    if hasattr(tqdm, "_lock"):  # somebody's own
        yield
        return
    tqdm.set_lock(RLock())
    try:
        yield
    finally:
        del tqdm._lock
