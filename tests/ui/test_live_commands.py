from __future__ import annotations

from pathlib import Path

import pytest

from resnet_viz.runs import Store
from resnet_viz.ui import live_view
from resnet_viz.ui.live_view import checked, steer
from tests.serve import fake_runs


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ({"kind": "pause"}, {"kind": "pause"}),
        ({"kind": "step", "more": "things"}, {"kind": "step"}),
        ({"kind": "lr", "value": 0.05}, {"kind": "lr", "value": 0.05}),
        ({"kind": "pace", "value": 0}, {"kind": "pace", "value": 0.0}),
        ({"kind": "rewind", "paused": True}, {"kind": "rewind", "paused": True, "changes": False}),
        ({"kind": "rewind", "paused": "yes", "changes": True}, {"kind": "rewind", "paused": False, "changes": True}),
        ({"kind": "alpha", "value": 0, "block": "x"}, {"kind": "alpha", "value": 0.0}),
        ({"kind": "drop_path", "value": 1}, {"kind": "drop_path", "value": 1.0}),
        ({"kind": "weight_decay", "value": 0}, {"kind": "weight_decay", "value": 0.0}),
        (
            {"kind": "shortcut", "value": 0, "contestant": "a", "block": "layer1.0", "more": 1},
            {"kind": "shortcut", "value": 0.0, "contestant": "a", "block": "layer1.0"},
        ),
        ({"kind": "sharpness", "value": 3}, {"kind": "sharpness"}),
        ({"kind": "histogram", "of": "gradient"}, {"kind": "histogram", "of": "gradient"}),
        ({"kind": "histogram", "of": ["x"]}, {"kind": "histogram", "of": "weight"}),
        ({"kind": "start", "pace": 20, "lr": 0.2}, {"kind": "start", "paused": False, "pace": 20.0, "lr": 0.2}),
        ({"kind": "start", "lr": "0.2", "pace": -1}, {"kind": "start", "paused": False}),
    ],
)
def test_a_command_is_reduced_to_what_is_known(sent: object, understood: object) -> None:
    assert checked(sent) == understood


@pytest.mark.parametrize(
    "sent",
    [
        None, "pause", 7, [], {}, {"kind": "delete"}, {"kind": ["pause"]}, {"kind": "lr"}, {"kind": "lr", "value": 0},
        {"kind": "lr", "value": -1}, {"kind": "lr", "value": 1e9}, {"kind": "lr", "value": float("nan")},
        {"kind": "lr", "value": True}, {"kind": "pace", "value": 1001}, {"kind": "pace", "value": float("inf")},
        {"kind": "alpha", "value": 4.1}, {"kind": "alpha", "value": -0.1}, {"kind": "drop_path", "value": 0},
        {"kind": "weight_decay", "value": 1.1}, {"kind": "shortcut", "value": 0},
        {"kind": "shortcut", "value": 0.5, "contestant": "a", "block": "b"},
        {"kind": "shortcut", "value": 0, "contestant": "a", "block": 1},
        {"kind": "shortcut", "value": 0, "contestant": "a" * 401, "block": "b"},
    ],
)  # fmt: skip
def test_what_is_no_command_is_nothing(sent: object) -> None:
    assert checked(sent) is None


def test_steering_goes_to_the_run_and_starting_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)
    monkeypatch.setattr(live_view, "open_store", lambda: store)
    run = fake_runs.begin(store, fake_runs.experiment(8))
    for command in ({"kind": "start"}, {"kind": "rewind"}, {"kind": "nonsense"}):
        steer(run, command)
    assert store.take_commands(run) == []
    cut = {"contestant": "residual-8", "block": "layer1.0", "value": 0.0}
    for command in (
        {"kind": "pause"},
        {"kind": "lr", "value": 0.05},
        {"kind": "pace", "value": 5},
        {"kind": "shortcut", **cut},
        {"kind": "sharpness"},
        {"kind": "histogram", "of": "gradient"},
    ):
        steer(run, command)
    assert [(c.kind, c.data) for c in store.take_commands(run)] == [
        ("pause", {}), ("lr", {"value": 0.05}), ("pace", {"value": 5.0}), ("shortcut", cut), ("sharpness", {}),
        ("histogram", {"of": "gradient"}),
    ]  # fmt: skip
