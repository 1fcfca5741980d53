"""The script that Streamlit runs for every page: page config, navigation, the shared look, then the page itself."""

from __future__ import annotations

import streamlit as st

from resnet_viz.settings import settings
from resnet_viz.ui import pages, theme


def main() -> None:
    """Lay out the frame and run the page that the address names."""
    st.set_page_config(page_title="ResNet Viz", page_icon=theme.ICON, layout="wide")
    theme.apply()
    page = st.navigation(
        [
            st.Page(pages.HOME, title="ResNet Viz", default=True),
            st.Page(pages.PLAYGROUND, title="Playground"),
            st.Page(pages.RACE, title="Race"),
            st.Page(pages.QUESTIONS, title="Questions"),
            st.Page(pages.LAB, title="Lab", visibility="hidden"),
            st.Page(pages.COMPARE, title="Compare"),
            st.Page(pages.RUNS, title="Runs"),
            st.Page(pages.PRETRAINED, title="Pretrained"),
            *([st.Page(pages.MODEL, title="Your model")] if settings().own_model else []),
        ],
        position="top",
    )
    page.run()


main()
