"""What the images of a data set look like, one of every class, and how they were made or where they are from."""

from __future__ import annotations

from functools import cache

import streamlit as st

from resnet_viz.data import examples
from resnet_viz.draw.class_grid import class_grid
from resnet_viz.spec import DATASETS

from .plain_text import plain


def class_pictures(name: str) -> None:
    """The first training image of every class; below them their number, source, and how code made them."""
    data = DATASETS[name]
    st.html(_grid(name))
    st.caption(f"{data.train:,} training and {data.test:,} test images · {plain(data.source)}")
    if data.made:
        with st.expander("How these images are made"):
            st.markdown("\n".join(f"{i}. {plain(step)}" for i, step in enumerate(data.made, 1)))


@cache
def _grid(name: str) -> str:
    return class_grid(examples(name, 1), [str(label) for label in range(DATASETS[name].classes)])
