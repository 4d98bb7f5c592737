"""A site that was built, put in its place, and what an earlier build left there removed."""

from pathlib import Path

from ticketbench.report.site.addresses import EDITIONS

_BUILT = "assets/files.txt"  # what the last build wrote, one address a line


def put_in_place(staging: Path, out: Path) -> None:
    """Put what was built in its place, file by file, the first page last; then remove what is made no longer."""
    first = staging / "index.html"
    paths = [path for path in sorted(staging.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    built = [path.relative_to(staging).as_posix() for path in paths]
    stale = _built_before(out) - {*built, _BUILT}
    listing = staging / _BUILT
    # Until the old files are gone the list has them too: a build that is stopped here leaves none behind for good.
    listing.write_text("".join(f"{each}\n" for each in sorted({*built, *stale})), "utf-8", newline="\n")
    for path in [listing, *(path for path in paths if path != first), first]:
        place = out / path.relative_to(staging)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.replace(place)
    for address in sorted(stale):
        (out / address).unlink(missing_ok=True)
        for folder in list(Path(address).parents)[:-1]:
            if (out / folder).is_dir() and not any((out / folder).iterdir()):
                (out / folder).rmdir()
    (out / _BUILT).write_text("".join(f"{each}\n" for each in built), "utf-8", newline="\n")


def _built_before(out: Path) -> set[str]:
    """What the build before says that it wrote, and is there: files in `out` itself, and none of an edition."""
    try:
        listed = (out / _BUILT).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()
    home = out.resolve()
    return {
        address
        for address in listed
        if (path := out / address).is_file()
        and path.resolve().is_relative_to(home)
        and ".." not in Path(address).parts
        and Path(address).parts[0] != EDITIONS
    }
