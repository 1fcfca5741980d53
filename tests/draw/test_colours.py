"""Colours: enough contrast in both themes, one colour a role, and the table of viridis."""

from __future__ import annotations

from itertools import pairwise

import pytest

from resnet_viz.draw.colours import (
    DASH,
    LABEL,
    MARKER,
    PALETTE,
    ROLES,
    Theme,
    contrast,
    css_variables,
    viridis,
)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)
    assert contrast("#C2410C", "#C2410C") == 1


@pytest.mark.parametrize("theme", PALETTE)
@pytest.mark.parametrize("ground", ["background", "panel"])
def test_texts_have_4_5_and_lines_have_3_to_1(theme: Theme, ground: str) -> None:
    for role in ROLES:
        assert contrast(LABEL[theme][role], PALETTE[theme][ground]) >= 4.5, role
        assert contrast(PALETTE[theme][role], PALETTE[theme][ground]) >= 3, role
    for name in ("text", "quiet", "problem"):
        assert contrast(PALETTE[theme][name], PALETTE[theme][ground]) >= 4.5, name
    assert contrast(PALETTE[theme]["text"], PALETTE[theme]["box"]) >= 4.5
    assert contrast(PALETTE[theme]["text"], PALETTE[theme]["selected"]) >= 4.5


def test_every_role_differs_in_colour_and_after_the_second_in_dash_and_marker() -> None:
    for theme in PALETTE:
        assert len({PALETTE[theme][role] for role in ROLES}) == len(ROLES)
    assert len({DASH[role] for role in ROLES[2:]}) == 4 and len({MARKER[role] for role in ROLES}) == 6
    assert PALETTE["light"].keys() == PALETTE["dark"].keys()


def test_viridis_is_even_from_dark_to_light() -> None:
    assert len(viridis) == 256 and viridis[0] == (68, 1, 84) and viridis[128] == (33, 145, 140)
    assert viridis[255] == (253, 231, 37)
    grey = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in viridis]
    assert all(b > a - 0.5 for a, b in pairwise(grey))


def test_css_has_both_themes() -> None:
    assert "--rv-residual: light-dark(#0B63B5, #5AB0FF);" in css_variables()
    assert "--rv-fourth-label: light-dark(#A03F77, #E39CC4);" in css_variables()
