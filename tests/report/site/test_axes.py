"""The axes that a figure can stand on, and its specification."""

import re

import altair as alt
import pytest

from ticketbench.report.boards.costs import speedup
from ticketbench.report.site import charts
from ticketbench.report.site.axes import AXES, COMPRESSION, choices, encoding, known, values
from ticketbench.report.site.charts import Point, Scale
from ticketbench.report.site.looks import looks


def points(series="imp", **said):
    return [
        Point(series, 2.0**k, 0.9, 0.85, 0.95, said=(("Method", series),), speedup=1.5**k, cost=k + 1.0, **said)
        for k in (1, 2, 3)
    ]


def test_a_point_stands_where_its_numbers_say():
    found = values(Point("imp", 8.0, 0.9, speedup=5.0, cost=4.0))

    assert found == {"compression": 8.0, "sparsity": 0.875, "speedup": 5.0, "cost": 4.0}


def test_an_axis_is_a_choice_only_where_every_curve_has_a_point_on_it():
    bare = [Point("snip", 2.0, 0.9), Point("snip", 4.0, 0.8)]
    partly = [Point("snip", 2.0, 0.9, cost=1.0), Point("snip", 4.0, 0.8)]

    assert [axis.name for axis in known(points())] == ["compression", "sparsity", "speedup", "cost"]
    assert [axis.name for axis in known([*points(), *bare])] == ["compression", "sparsity"]
    assert [axis.name for axis in known([*points(), *partly])] == ["compression", "sparsity", "cost"]


def test_axes_reach_as_far_as_the_figures_beside():
    ends = {
        each["name"]: each["x"]["scale"]["domain"] for each in choices(points(), [Point("x", 64.0, 0.5, cost=9.0)])
    }

    assert ends["compression"] == pytest.approx([1.0, 64 * 1.04])
    assert ends["cost"][1] == pytest.approx(9 * 1.04)
    assert ends["sparsity"] == [0, 1]


def vertical(every, reach=()):
    """The ends of the vertical axis: errors in percent."""
    spec = charts.figure(every, None, looks({"imp": ""}), Scale("y", "error", 0.001), reach=reach)
    (found,) = {
        tuple(layer["encoding"]["y"]["scale"]["domain"])
        for layer in spec["layer"]
        if "scale" in layer["encoding"]["y"]
    }
    return found


def test_the_vertical_axis_reaches_as_far_as_the_figures_beside():
    least, most = vertical(points(), [Point("x", 2.0, 0.98, 0.97, 0.99), Point("x", 64.0, 0.5, 0.4, 0.6)])

    assert least <= 1.0
    assert most >= 60.0


def test_the_end_of_a_wide_band_leaves_room_for_the_curves():
    """Of three seeds that are far apart the interval goes to an error of nothing, endlessly far on this axis."""
    wide = Point("imp", 16.0, 0.9, 0.7, 1.0)
    least, most = vertical([*points(), wide])

    assert 2.0 <= least <= 2.5  # a quarter of the least mean error, or the tick before it
    assert most >= 30.0
    assert vertical(points()) == (5.0, 16.0)


@pytest.mark.parametrize("axis", AXES)
def test_every_tick_lies_on_its_axis(axis):
    drawn = encoding(axis, points()).to_dict()
    low, high = drawn["scale"]["domain"]

    assert all(low <= tick <= high for tick in drawn["axis"]["values"])


def test_of_many_powers_every_other_is_labelled():
    ticks = encoding(COMPRESSION, [Point("imp", 640.0, 0.9)]).to_dict()["axis"]["values"]

    assert ticks == [1, 4, 16, 64, 256]


def test_a_figure_satisfies_the_schema_of_vega_lite():
    dense = Point("dense", 1.0, 0.95, 0.94, 0.96)
    every = [*points(), *points("snip", state="lost")]
    spec = charts.figure(every, dense, looks({"imp": "", "snip": ""}), Scale("y", "error", 0.001), 0.1, choose=True)
    spec.pop("background")  # none: the page's own shows through

    alt.LayerChart.from_dict(spec)
    for each in spec["usermeta"]["axes"]:
        alt.X.from_dict(each["x"])


def test_a_name_of_the_metric_that_says_something_in_vega_is_only_text():
    said = (("a.b:Q[0]", "1"), ("Seeds", "3"))
    spec = charts.figure([Point("imp", 2.0, 0.9, said=said)], None, looks({"imp": ""}), Scale("y", "linear"))

    tooltips = [each for layer in spec["layer"] for each in layer["encoding"].get("tooltip", [])]
    assert {(each["field"], each["title"]) for each in tooltips} == {("said0", "a.b:Q[0]"), ("said1", "Seeds")}


def test_speed_up_is_the_geometric_mean_of_the_rows_that_know_it():
    rows = [
        {"flops": 100, "flops_dense": 400},
        {"flops": 50, "flops_dense": 800},
        {"flops": None, "flops_dense": 400},
    ]

    assert speedup(rows) == pytest.approx(8.0)
    assert speedup(rows[2:]) is None


def drawn(*names, title="y"):
    every = [point for name in names for point in points(name)]
    spec = charts.figure(every, None, looks(dict.fromkeys(names, "")), Scale(title, "error", 0.001))
    return spec, charts.svg(charts.sized(spec, 300, 200))


def test_two_drawings_on_a_page_clip_by_names_of_their_own_and_a_series_may_be_called_clip3():
    texts = [drawn("imp", title="clip3 url(#clip0)")[1], drawn("imp", "clip3")[1]]

    named = [set(re.findall(r'<clipPath id="(.*?)"', text)) for text in texts]
    assert all(named) and not named[0] & named[1]
    assert [set(re.findall(r'clip-path="url\(#(.*?)\)"', text)) for text in texts] == named
    assert ">clip3 url(#clip0)</text>" in texts[0]
    assert drawn("imp", "clip3")[1] == texts[1]  # whatever was drawn before


def test_of_more_than_four_curves_none_has_a_band_until_it_is_picked():
    def band(spec):
        (layer,) = [each for each in spec["layer"] if each["mark"]["type"] == "area"]
        return layer["encoding"]["fillOpacity"]["value"]["expr"]

    assert band(drawn(*"abcd")[0]).startswith("picked == '' ? 0.08 : datum.series == picked ? 0.28")
    assert band(drawn(*"abcde")[0]).startswith("picked == '' ? 0 : datum.series == picked ? 0.28")


def test_the_same_drawing_twice_on_a_page_clips_by_other_names_the_second_time():
    text = drawn("imp")[1]
    page = charts.told_apart(f"<p>clip3</p>{text}<p>clip4</p>{text}")

    ids = re.findall(r' id="(.*?)"', page)
    assert len(set(ids)) == len(ids) == 2 * len(re.findall(r' id="', text))
    assert set(re.findall(r'url\(#(.*?)\)"', page)) == set(ids)
