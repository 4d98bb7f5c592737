"""The style sheet's colours: text can be read on every ground that it stands on, in light and in dark."""

import re
from pathlib import Path

import pytest

from ticketbench.paths import shipped

TEXT = ("ink", "quiet", "accent", "warn", "good")


def variables(block):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", block))


def themes():
    style = (Path(shipped("leaderboard")) / "style.css").read_text("utf-8")
    light, dark, printed = (variables(block) for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL))
    return {"light": light, "dark": light | dark, "print": light | printed}


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * each for each in colour[1:])
    channels = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """The ratio of WCAG 2.2, section 1.4.3."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_ratio_is_that_of_the_guideline():
    assert contrast("#fff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("ground", ["paper", "tint"])
def test_text_stands_out_by_four_and_a_half(theme, ground):
    colours = themes()[theme]

    low = {name: round(contrast(colours[name], colours[ground]), 2) for name in TEXT}
    assert {name: ratio for name, ratio in low.items() if ratio < 4.5} == {}
