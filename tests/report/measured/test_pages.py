"""Pages of perplexity, BLEU and return: what they print, and that nothing of accuracy is left on them."""

import csv
import re
from math import exp, log

import pytest

HEAD = re.compile(r"^[\d.,]+× [\d.]+ %$")  # a compression, and the share of weights kept


@pytest.fixture(scope="module", params=["perplexity", "BLEU", "return"])
def metric(request):
    return request.param


@pytest.fixture
def page(sites, metric, read):
    return read(sites[metric].out / "tasks" / "mine" / f"{metric.lower()}.html")


def test_no_page_says_accuracy_and_no_score_has_a_percent_sign(sites, metric, read):
    kinds = (".html", ".csv", ".tex", ".svg")
    found = [path for path in sorted(sites[metric].out.rglob("*")) if path.suffix in kinds]
    assert len(found) > 15
    for path in found:
        assert "accura" not in path.read_text("utf-8").lower(), path
    for path in (each for each in found if each.suffix == ".html" and each.name not in ("index.html", "row.html")):
        page = read(path)
        assert "one class" not in page.text and "majority" not in page.text.lower()
        # How many of the seeds win is a share, whatever they are scored by.
        tables = [table for table in page.tables if table[0][-1].split() != ["Any", "rung"]]
        cells = {" ".join(cell.split()) for table in tables for row in table for cell in row}
        assert [cell for cell in cells if "%" in cell and not HEAD.match(cell)] == []


def test_the_page_says_what_is_printed_and_which_way_is_better(page, metric):
    says = {
        "perplexity": ["Log perplexity against", "Test log perplexity, nats: the mean", "Less is better.", "(ppl)"],
        "BLEU": ["BLEU against", "Test BLEU: the mean", "for other seeds, on this test set"],
        "return": ["Return against", "Test return: the mean", "for other seeds; a cell"],
    }[metric]
    text = " ".join(page.text.split())
    assert [each for each in says if each not in text] == []
    assert f"#{says[0].partition(' against')[0].lower().replace(' ', '-')}-1" in page.source
    assert (
        page.tags.count(("section", {"id": f"{says[0].partition(' against')[0].lower().replace(' ', '-')}-1"})) == 1
    )
    assert ("less is better, and drawn above" in page.source) == (metric == "perplexity")


def test_a_cell_has_its_mean_and_half_width_and_perplexity_itself(page, sites, metric, measured):
    board = measured.board(sites[metric].rows, sites[metric].task)
    score = next(each for each in board.series if each.method == "imp").cells[4].score
    table = next(n for n, t in enumerate(page.tables) if t[0][:3] == ["Method ", "Seeds ", "Cost "])
    cell = page.row(table, "imp")[6]
    places = {"perplexity": 3, "BLEU": 2, "return": 1}[metric]
    mean, half = re.match(r"(\S+) ± (\S+)", cell).groups()

    assert float(mean.replace("−", "-")) == pytest.approx(score.mean, abs=0.6 * 10**-places)
    assert float(half) == pytest.approx(score.h, rel=0.05)
    assert ("−" in mean) == (metric == "return") and "-" not in cell
    if metric == "perplexity":
        assert cell.endswith(f"ppl {exp(score.mean):.4g}")
        assert f"a perplexity of {exp(score.mean):.4g}; other seeds" in page.source


def test_a_collapsed_cell_says_what_the_rows_say_and_chance_on_the_printed_scale(page, metric, measured):
    level = {"perplexity": f"{log(700):.3f} nats", "BLEU": "0.00", "return": "−500.00"}[metric]
    text = " ".join(page.text.split())
    assert f"all 6 collapsed; chance is {level}" in text
    assert measured.one_answer[metric] in text
    assert "some collapsed to one answer to everything" in text


def test_tickets_stand_beside_random_ones(page, metric):
    table = next(n for n, t in enumerate(page.tables) if t[0][0].split() == ["Minus", "random-layer"])
    cells = page.row(table, "imp")[1:]
    assert len(cells) == 6 and all(cell[0] == "+" and cell.endswith("▲ above") for cell in cells)
    unit = {"perplexity": "nats", "BLEU": "BLEU", "return": "return"}[metric]
    assert (
        f"Differences in {unit}, paired by seed, with 95 % intervals; above zero the ticket is better." in page.text
    )


def test_the_ledger_prints_the_published_number_as_its_source_does(page, metric):
    table = next(n for n, t in enumerate(page.tables) if t[0][-1] == "Verdict ")
    value, claim, bound = ([" ".join(cell.split()) for cell in row] for row in page.tables[table][1:])
    lower = metric == "perplexity"
    said = {"perplexity": "perplexity 92.5 ± 0.4 (4.527 nats)", "BLEU": "31.1 ± 0.4", "return": "−86 ± 0.4"}[metric]
    limit = {"perplexity": "perplexity 111 (4.710 nats)", "BLEU": "27.99", "return": "−103.2"}[metric]

    assert value[4 - 1] == said
    assert f"tested: {'lower' if lower else 'higher'} than random-layer at 2.78×" in claim[3]
    assert f"tested: {'lower' if lower else 'higher'} than {limit}" in bound[3]
    assert not lower or "nats" in value[4]


def test_tables_to_take_away_say_what_their_numbers_are(sites, metric, measured):
    folder = sites[metric].out / "tasks" / "mine" / metric.lower()
    lines = list(csv.DictReader((folder / "table.csv").read_text("utf-8").splitlines()))
    said = {"perplexity": "log perplexity", "BLEU": "BLEU", "return": "return"}[metric]
    score = measured.board(sites[metric].rows, sites[metric].task).dense.score
    tex = (folder / "table.tex").read_text("utf-8")

    ranking = (folder / "ranking.csv").read_text("utf-8").partition("\n")[0].split(",")
    assert {line["metric"] for line in lines} == {said}
    at = "at_4x_nats" if metric == "perplexity" else "at_4x"
    assert {at, f"{at}_interval"} <= set(ranking)
    assert float(lines[0]["mean"]) == pytest.approx(score.mean)
    assert f"Test {said}{', nats' if metric == 'perplexity' else ''} on mine/{metric.lower()}" in tex
    assert r"\%" not in re.sub(r"95 \\%|\([\d.]+ \\%\)", "", tex)


def test_the_method_s_page_and_the_glossary_name_the_metric(sites, metric, read):
    out = sites[metric].out
    method, index = (" ".join(read(out / name).text.split()) for name in ("methods/imp.html", "index.html"))
    assert f"version 1, test {'log perplexity, nats' if metric == 'perplexity' else metric}" in method
    assert ("PerplexityEnters everything as its logarithm" in index) == (metric == "perplexity")
    assert ("BLEU, returnPrinted as they are" in index) == (metric != "perplexity")
