"""Chunks become arrays in which each step stands once."""

import numpy as np
import pytest

from resnet_viz.runs import Evaluation, Frame, merge, run_data

HEADER = {"contestants": [{"name": "a", "signals": ["loss", "lr"]}, {"name": "b", "signals": ["loss", "lr"]}]}


def chunk(contestant: str, first: int, *losses: float, seq: int = 1) -> Frame:
    return Frame(seq, contestant, first, np.array([[loss, 0.1] for loss in losses], dtype=np.float32), 0.0)


def test_chunks_are_joined_in_the_order_of_their_steps():
    merged = merge([chunk("a", 0, 3), chunk("b", 0, 9), chunk("a", 1, 2, 1)])
    assert merged["a"][:, 0].tolist() == [3, 2, 1]
    assert merged["b"][:, 0].tolist() == [9]


def test_where_chunks_overlap_the_later_one_stands_and_a_gap_is_nan():
    merged = merge([chunk("a", 0, 5, 4, 3), chunk("a", 2, 7, 6), chunk("a", 5, 1)])
    assert merged["a"][:, 0].tolist()[:4] == [5, 4, 7, 6]
    assert np.isnan(merged["a"][4]).all() and merged["a"][5, 0] == 1


def test_a_run_is_read_with_signals_and_evaluations(store, experiment):
    run = store.create(experiment)
    assert run_data(store, run).contestants == () and run_data(store, run).steps == 0
    store.set_header(run, HEADER)
    store.append(run, "a", 0, np.array([[2, 0.1], [1, 0.1]], np.float32))
    errors = {"epoch": 0, "train_error": 0.9, "test_error": 0.8}
    store.add_event(run, "eval", errors, contestant="a", step=0)
    store.add_event(run, "eval", errors | {"epoch": 1, "train_error": 0.5}, contestant="a", step=12)
    store.add_event(run, "eval", errors | {"epoch": 1, "train_error": 0.4}, contestant="a", step=12)
    store.add_event(run, "lr", {"value": 0.2}, step=3)
    data = run_data(store, run)
    assert data.contestants == ("a", "b") and data.steps == 0
    assert data.signals("a")["loss"].tolist() == [2, 1]
    assert {name: len(values) for name, values in data.signals("b").items()} == {"loss": 0, "lr": 0}
    assert data.evals("a") == [Evaluation(0, 0, 0.9, 0.8), Evaluation(12, 1, 0.4, 0.8)]
    assert data.evals("b") == []
    with pytest.raises(KeyError) as refused:
        data.signals("c")
    assert refused.value.args[0] == "no contestant is called 'c'; there are: a, b"
