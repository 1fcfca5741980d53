"""The two small windows of the list of runs: rename, and download of the telemetry."""

from __future__ import annotations

import re

import streamlit as st

from resnet_viz.draw.wording import cut_middle
from resnet_viz.runs import RunStore, Store

from .plain_text import plain


def rename(store: Store, run: str, name: str) -> None:
    """Ask for a new name; a refusal stands under the field, which keeps what was typed."""

    @st.dialog("Rename this run")
    def ask() -> None:
        with st.form("rename", border=False):
            new = st.text_input("Name", value=name, max_chars=300, key=f"name of {run}")
            if st.form_submit_button("Rename", type="primary"):
                try:
                    store.rename(run, new)
                except ValueError as error:
                    st.markdown(f":red[{plain(str(error))}]")
                else:
                    st.rerun()

    ask()


def download(store: Store, run: str, name: str) -> None:
    """Offer the run's tables as CSV and Parquet; each is made when its button is pressed."""

    @st.dialog("Download the telemetry")
    def offer() -> None:
        st.markdown(f"**{plain(cut_middle(name, 60))}**")
        runs, stem = RunStore(store), file_stem(name)
        st.caption("One row for each contestant and step: loss, error, learning rate, every layer's gradient norm.")
        with st.container(horizontal=True):
            st.download_button("Telemetry, CSV", lambda: runs.export(run, "csv"), f"{stem}.csv", "text/csv",
                               on_click="ignore", key=f"csv {run}")  # fmt: skip
            st.download_button("Telemetry, Parquet", lambda: runs.export(run, "parquet"), f"{stem}.parquet",
                               "application/vnd.apache.parquet", on_click="ignore", key=f"parquet {run}")  # fmt: skip
        st.caption("One row for each contestant and evaluation: train and test error of the whole sets.")
        st.download_button("Evaluations, CSV", lambda: runs.export(run, "csv", "evaluations"),
                           f"{stem}-evaluations.csv", "text/csv", on_click="ignore", key=f"evals {run}")  # fmt: skip

    offer()


def file_stem(name: str) -> str:
    """The name as a file may carry it: letters, digits, dot, dash, underscore, at most 60 of them."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:60] or "run"
