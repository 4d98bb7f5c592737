"""BibTeX of the suite, of a task's and a method's papers, and of a single row, by its permanent id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ticketbench
from ticketbench.bibliography import Entry, own_key
from ticketbench.report.printable import latex, one_line, printable
from ticketbench.results import Row

TITLE = "{ticketbench}: a reproducibility benchmark suite for lottery tickets and neural-network pruning"
AUTHORS = "{The ticketbench authors}"
ADDRESS = "https://github.com/ticketbench/ticketbench"


@dataclass(frozen=True)
class Cited:
    """What to put in a bibliography: BibTeX by key, in order, and what a person should know of it.

    `sentences` are ready to be used in a text; `remarks` say what is missing.
    """

    entries: Mapping[str, str]
    sentences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __add__(self, other: "Cited") -> "Cited":
        """Both, no key twice: the entry that came first stays."""
        clashes = [
            f"Two entries have the key {key}; the first was taken."
            for key, entry in other.entries.items()
            if self.entries.get(key, entry) != entry
        ]
        return Cited(
            {**self.entries, **{key: entry for key, entry in other.entries.items() if key not in self.entries}},
            _once([*self.sentences, *other.sentences]),
            _once([*self.remarks, *other.remarks, *clashes]),
        )

    @property
    def bibtex(self) -> str:
        """All entries, as a `.bib` file holds them."""
        return "\n\n".join(self.entries.values())


def cite_suite() -> Cited:
    """The suite in the version that is installed."""
    fields = {"title": TITLE, "author": AUTHORS, "version": ticketbench.__version__, "url": ADDRESS}
    return Cited({"ticketbench": _entry("software", "ticketbench", fields)})


def cite_papers(cites: Iterable[str], sources: Mapping[str, Entry], whose: str) -> Cited:
    """The publications that a task or method names: keys of `sources`, or BibTeX of an author's own.

    Args:
        cites: as declared.
        sources: entries by key, as `read_bibliography` gives them.
        whose: names the task or method, in a remark on what is neither.
    """
    entries: dict[str, str] = {}
    remarks = []
    for cite in cites:
        if cite in sources:
            entries[cite] = sources[cite].bibtex
        elif key := own_key(cite):
            entries.setdefault(key, printable(cite.strip()))
        else:
            remarks.append(f"{whose} cites {one_line(cite)!r}, which is neither a key known here nor BibTeX.")
    return Cited(entries, remarks=tuple(remarks))


def cite_row(row: Row) -> Cited:
    """A single number by its permanent id: an entry of its own, and a sentence."""
    key, said = f"ticketbench-{row['row_id'][:12]}", describe_row(row)
    fields = {
        "title": f"{{ticketbench}} row {row['row_id']}",
        "author": AUTHORS,
        "year": str(row["finished_at"])[:4],
        "note": f"{latex(said)}; made by {latex(_code(row))}",
        "url": ADDRESS,
    }
    if not fields["year"].isdigit():
        del fields["year"]
    entry = _entry("misc", key, fields)
    return Cited({key: entry}, (f"{said} (ticketbench row {row['row_id']}).",))


def describe_row(row: Row) -> str:
    """What a row says, in words: what was trained, and its score at the last step or why it has none."""
    method, where = one_line(row["method"]), f"{one_line(row['task'])} (version {row['task_version']})"
    parameters = "" if row["method_params"] == "{}" else f" with {one_line(row['method_params'])}"
    if row["kind"] == "dense":
        what = f"The dense network on {where}"
    else:
        kind = {"ticket": "ticket", "control": f"control {one_line(row['label'])}", "probe": "probe"}[row["kind"]]
        label = f" {one_line(row['label'])}" if row["label"] and row["kind"] != "control" else ""
        what = f"The {kind}{label} of {method}{parameters} on {where}"
    if (row["found_on"], row["trained_on"]) != ("default", "default"):
        what += f", found on {one_line(row['found_on'])} and trained on {one_line(row['trained_on'])}"
    density = f", rung {row['rung']}" if row["rung"] else ""
    density += f" (density {row['density']:.4g})" if row["rung"] and row["density"] is not None else ""
    return f"{what}, seed {row['seed']}{density}: {_scored(row)}"


def _code(row: Row) -> str:
    """The suite that made a row: its version and, where it ran from a checkout, the commit."""
    version, commit = f"ticketbench {row['suite_version']}", row["commit"]
    changed = ", with changes" if row["dirty"] else ""
    return f"{version}, commit {commit}{changed}" if commit else version


def _scored(row: Row) -> str:
    if row["test_final"] is None:
        return ", ".join(one_line(each) for each in (row["status"], row["reason"]) if each)
    collapsed = f" ({row['status']})" if row["status"] != "done" else ""
    return f"test {one_line(row['metric'])} {row['test_final']:.6g} at the last step{collapsed}"


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]
    return "\n".join([f"@{kind}{{{key},", *lines, "}"])


def _once(lines: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lines))
