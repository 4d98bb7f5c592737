"""Tables for a paper say of a number what the page says of it."""

import re

from ticketbench.report.boards.board import boards
from ticketbench.report.site.latex_tables import Notes, latex_table


def table_of(rows, task):
    (board,) = boards(rows, {task.id: task})
    text = latex_table(board)
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    lines = [line.removesuffix(r" \\") for line in body.splitlines()[1:]]
    return {line.partition(" & ")[0]: line.split(" & ")[1:] for line in lines}, text


def test_every_number_carries_what_must_be_said_of_it(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9, 0.8, 0.7], "snip": [0.9, 0.8, 0.7]}, seeds=5)
    for row in rows:
        if (row["method"], row["rung"]) == ("imp", 2):
            row["kept"] = row["prunable"] // 2  # not what the column says
        if (row["method"], row["rung"], row["seed"]) == ("imp", 1, 0):
            rows_of.without_score(row, "diverged", "loss is nan")
    rows = [row for row in rows if (row["method"], row["rung"], row["seed"]) != ("snip", 3, 4)]
    (cells, text) = table_of(rows, task)

    def notes(cell):
        marks = re.search(r"\\textsuperscript\{(.*?)\}", cell)
        under = dict(re.findall(r"\\textsuperscript\{(\w+)\}~(.*?)(?=; \\text|\.\n)", text))
        return [under[mark] for mark in marks[1].split(",")] if marks else []

    assert cells["imp"][0] == "5"
    assert notes(cells["imp"][1]) == [r"$\circ$ 1 diverged"]
    assert notes(cells["imp"][2]) == [r"at 2.00$\times$"]
    assert notes(cells["imp"][3]) == []
    assert notes(cells["snip"][3])[0] in ("4 of 5 seeds", "4 seeds")
    assert all(r"$\pm$" in cell for cell in cells["snip"][1:])


def test_the_dense_network_s_number_stands_across_all_compressions(rows_of):
    task = rows_of.make_task()
    rows = rows_of.make_results(task, {"dense": [0.95], "imp": [0.9, 0.8, 0.7]}, seeds=5)
    (cells, text) = table_of(rows, task)

    seeds, number = cells["Dense network"]
    assert seeds == "5" and re.fullmatch(r"\\multicolumn\{3\}\{c\}\{9\d\.\d+ \$\\pm\$ [\d.]+\}", number)
    assert r"\begin{tabular}{lrrrr}" in text and "{" + "lrrrr}" in text
    assert text.count("{") == text.count("}")


def test_equal_notes_are_said_once():
    notes = Notes()

    assert [notes.mark(["x", "y"]), notes.mark(["y"]), notes.mark([])] == [
        r"\textsuperscript{a,b}",
        r"\textsuperscript{b}",
        "",
    ]
    assert notes.text.count("~") == 2
