"""What every page shares beyond Streamlit's theme: our colours as CSS properties, the navigation, no leftovers.

``var(--rv-residual)`` and so on hold in every page's own HTML; they follow the theme that the page has.
"""

from __future__ import annotations

from functools import cache

import streamlit as st

from resnet_viz.draw.colours import PALETTE

from .icon import ICON

__all__ = ["BAR", "ICON", "apply", "css"]

BAR = "2.9rem"
"""Height of the navigation bar."""

_RULES = f"""
[data-testid="stDecoration"], [data-testid="stAppDeployButton"], [data-testid="stStatusWidget"], footer {{
  display: none !important;
}}
[data-testid="stMainBlockContainer"] {{ max-width: 100%; padding: calc({BAR} + 0.65rem) 1.2rem 0.6rem; }}
[data-testid="stHeader"] {{
  height: {BAR}; min-height: {BAR}; background: var(--rv-background); border-bottom: 1px solid var(--rv-grid);
}}
[data-testid="stToolbar"] {{ height: {BAR}; min-height: {BAR}; padding: 0 1.2rem 0 0.35rem; }}
[data-testid="stTopNavLink"], [data-testid="stTopNavLink"]:hover {{
  background: none; border-radius: 0; height: {BAR}; padding: 0; margin: 0 14px; display: flex; align-items: center;
}}
[data-testid="stTopNavLink"] p {{ font-size: 15px; font-weight: 400; color: var(--rv-quiet); }}
[data-testid="stTopNavLink"]:hover p, [data-testid="stTopNavLink"][aria-current] p {{ color: var(--rv-text); }}
[data-testid="stTopNavLink"][aria-current] {{ box-shadow: inset 0 -2px 0 var(--rv-residual); }}
/* A stroke, not a weight: bolder glyphs would push the links beside them. */
[data-testid="stTopNavLink"][aria-current] p {{ -webkit-text-stroke: 0.5px currentColor; }}
[data-testid="stTopNavLink"]:focus-visible {{ outline: 2px solid var(--rv-residual); outline-offset: -4px; }}
.rc-overflow-item:first-child [data-testid="stTopNavLink"] {{ margin: 0 20px 0 0; box-shadow: none; }}
.rc-overflow-item:first-child [data-testid="stTopNavLink"] p {{
  font-size: 17px; font-weight: 700; color: var(--rv-text); letter-spacing: -0.01em; -webkit-text-stroke: 0;
}}
.stApp button[kind^="primary"]:enabled, .stApp button[kind^="primary"]:enabled p {{
  color: light-dark(#FFFFFF, #0F1419);
}}
.stApp [data-testid="stCaptionContainer"], .stApp [data-testid="stCaptionContainer"] p {{
  opacity: 1; color: var(--rv-quiet);
}}
[class*="st-key-"][class*="-feed"] {{ position: absolute; width: 0; height: 0; overflow: hidden; }}
"""


@cache
def css() -> str:
    """The shared stylesheet. It holds no text of a person's."""
    light, dark = PALETTE["light"], PALETTE["dark"]
    properties = "".join(
        f"  --rv-{name.replace('_', '-')}: light-dark({colour}, {dark[name]});\n" for name, colour in light.items()
    )
    return f"<style>\n.stApp {{\n{properties}}}\n{_RULES}</style>"


def apply() -> None:
    """Put the shared CSS on the page."""
    st.html(css())
