"""The colours of every picture, in both themes: one colour a contestant everywhere, one scale for gradient norms.

Plain and residual have their own two colours, with text contrast of at least 4.5 : 1 on page and panel in
either theme; later contestants take the next colours of Okabe and Ito (jfly.uni-koeln.de/color, 2002), each
with a dash pattern and a marker as well, so that no picture depends on colour alone. (Their reddish purple is
darkened a little: #CC79A7 has 2.9 : 1 on the light panel, and a line needs 3.)
"""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["plain", "residual", "third", "fourth", "fifth", "sixth"]
Theme = Literal["light", "dark"]

ROLES: tuple[Role, ...] = get_args(Role)
"""Every role in the order in which contestants take them."""

PALETTE: dict[Theme, dict[str, str]] = {
    "light": {
        "plain": "#C2410C", "residual": "#0B63B5", "third": "#009E73", "fourth": "#C46A9B",
        "fifth": "#8A6100", "sixth": "#4A5568",
        "background": "#FFFFFF", "panel": "#F7F8FA", "text": "#1A202C", "quiet": "#5B6472", "grid": "#DDE2E8",
        "selected": "#FFF3D6", "selected_border": "#B7791F", "problem": "#B42318", "problem_fill": "#FDE8E6",
        "box": "#C9DBF2", "box_quiet": "#E4ECF7", "bar": "#8D96A3",
    },
    "dark": {
        "plain": "#FF8A4C", "residual": "#5AB0FF", "third": "#2CC79A", "fourth": "#E39CC4",
        "fifth": "#E0B354", "sixth": "#C3CCD8",
        "background": "#0F1419", "panel": "#171D24", "text": "#E6EAF0", "quiet": "#9AA5B1", "grid": "#2A333D",
        "selected": "#2E2715", "selected_border": "#E0B354", "problem": "#FF8F87", "problem_fill": "#3A1D1C",
        "box": "#263F5C", "box_quiet": "#1E2A3A", "bar": "#66717E",
    },
}  # fmt: skip
"""``PALETTE[theme][role]`` is a contestant's line; the other keys are page, text, grid and the graph's own boxes."""

LABEL: dict[Theme, dict[Role, str]] = {
    "light": {
        "plain": "#C2410C", "residual": "#0B63B5", "third": "#00755A", "fourth": "#A03F77",
        "fifth": "#8A6100", "sixth": "#4A5568",
    },
    "dark": {role: PALETTE["dark"][role] for role in ROLES},
}  # fmt: skip
"""``LABEL[theme][role]``: the same hues for text. On white the third and fourth line colours are too light to read."""

DASH: dict[Role, str] = {
    "plain": "solid", "residual": "solid", "third": "6 3", "fourth": "2 3", "fifth": "10 4", "sixth": "10 3 2 3",
}  # fmt: skip
"""SVG dash pattern of each role's line ("solid" for none)."""

MARKER: dict[Role, str] = {
    "plain": "circle", "residual": "square", "third": "diamond", "fourth": "triangle-up", "fifth": "cross",
    "sixth": "x",
}  # fmt: skip
"""Marker of each role, in Plotly's names."""

_VIRIDIS = (
    "44015444025645045745055946075a46085c460a5d460b5e470d60470e6147106347116447136548146748166848176948186a481a6c"
    "481b6d481c6e481d6f481f70482071482173482374482475482576482677482878482979472a7a472c7a472d7b472e7c472f7d46307e"
    "46327e46337f463480453581453781453882443983443a83443b84433d84433e85423f85424086424186414287414487404588404688"
    "3f47883f48893e49893e4a893e4c8a3d4d8a3d4e8a3c4f8a3c508b3b518b3b528b3a538b3a548c39558c39568c38588c38598c375a8c"
    "375b8d365c8d365d8d355e8d355f8d34608d34618d33628d33638d32648e32658e31668e31678e31688e30698e306a8e2f6b8e2f6c8e"
    "2e6d8e2e6e8e2e6f8e2d708e2d718e2c718e2c728e2c738e2b748e2b758e2a768e2a778e2a788e29798e297a8e297b8e287c8e287d8e"
    "277e8e277f8e27808e26818e26828e26828e25838e25848e25858e24868e24878e23888e23898e238a8d228b8d228c8d228d8d218e8d"
    "218f8d21908d21918c20928c20928c20938c1f948c1f958b1f968b1f978b1f988b1f998a1f9a8a1e9b8a1e9c891e9d891f9e891f9f88"
    "1fa0881fa1881fa1871fa28720a38620a48621a58521a68522a78522a88423a98324aa8325ab8225ac8226ad8127ad8128ae8029af7f"
    "2ab07f2cb17e2db27d2eb37c2fb47c31b57b32b67a34b67935b77937b87838b9773aba763bbb753dbc743fbc7340bd7242be7144bf70"
    "46c06f48c16e4ac16d4cc26c4ec36b50c46a52c56954c56856c66758c7655ac8645cc8635ec96260ca6063cb5f65cb5e67cc5c69cd5b"
    "6ccd5a6ece5870cf5773d05675d05477d1537ad1517cd2507fd34e81d34d84d44b86d54989d5488bd6468ed64590d74393d74195d840"
    "98d83e9bd93c9dd93ba0da39a2da37a5db36a8db34aadc32addc30b0dd2fb2dd2db5de2bb8de29bade28bddf26c0df25c2df23c5e021"
    "c8e020cae11fcde11dd0e11cd2e21bd5e21ad8e219dae319dde318dfe318e2e418e5e419e7e419eae51aece51befe51cf1e51df4e61e"
    "f6e620f8e621fbe723fde725"
)

viridis: list[tuple[int, int, int]] = [
    (int(_VIRIDIS[i : i + 2], 16), int(_VIRIDIS[i + 2 : i + 4], 16), int(_VIRIDIS[i + 4 : i + 6], 16))
    for i in range(0, len(_VIRIDIS), 6)
]
"""The 256 colours of viridis, dark to light (Smith and van der Walt 2015, CC0): perceptually uniform, safe for
colour-blind people and in grey print."""


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two "#RRGGBB" colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def css_variables() -> str:
    """The palette as CSS declarations ("--rv-residual: light-dark(#0B63B5, #5AB0FF);") for our own components.

    ``light-dark`` follows the page's ``color-scheme``, so that a change of theme needs no new data.
    """
    light, dark = PALETTE["light"], PALETTE["dark"]
    declarations = [f"--rv-{name.replace('_', '-')}: light-dark({light[name]}, {dark[name]});" for name in light]
    declarations += [f"--rv-{role}-label: light-dark({LABEL['light'][role]}, {LABEL['dark'][role]});" for role in ROLES]
    return " ".join(declarations)
