"""What is changed in a running race: the numbers are those of a loop by hand that does the same at the same steps."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

import pytest
import torch
from torch.nn import functional

import resnet_viz as rv
from resnet_viz.data import load
from resnet_viz.nn import build
from resnet_viz.nn.initialisers import generator
from resnet_viz.runs import Store, execute, run_data
from resnet_viz.runs.checkpoints import changes_of
from resnet_viz.runs.liveness import process_identity
from resnet_viz.spec import Experiment, Recipe, preset
from resnet_viz.train import race
from resnet_viz.train.batches import Batches
from resnet_viz.train.changes import Change
from resnet_viz.train.checkpoints import Place, read
from resnet_viz.ui import run_actions

CHANGES = (
    Change(step=3, kind="lr", value=0.05),
    Change(step=5, kind="shortcut", value=0, contestant="residual", block="layer2.0"),
    Change(step=7, kind="alpha", value=0.5),
    Change(step=9, kind="shortcut", value=1, contestant="residual", block="layer2.0"),
    Change(step=11, kind="weight_decay", value=0.05),
    Change(step=13, kind="drop_path", value=0.6),
    Change(step=17, kind="alpha", value=1),
    Change(step=18, kind="shortcut", value=0, contestant="residual", block="layer3.0"),
    Change(step=20, kind="drop_path", value=1),
)


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    contestants = {"plain": preset("tiny_plain8"), "residual": preset("tiny_resnet8")}
    return Experiment(contestants=contestants, recipe=Recipe(epochs=1, batch=64, device="cpu", seed=5, warmup_steps=0))


def planned(store: Store, experiment: Experiment, changes: Iterable[Change]) -> str:
    """A run that makes these changes by itself."""
    run = store.create(experiment, owner=process_identity())
    for change in changes:
        data = {"value": change.value} | ({"block": change.block} if change.block else {})
        store.add_event(run, change.kind, data | {"planned": 1}, contestant=change.contestant, step=change.step)
    assert execute(store, run) == "finished"
    return run


@pytest.fixture(scope="module")
def changed(experiment: Experiment, tmp_path_factory: pytest.TempPathFactory) -> rv.Run:
    store = Store(tmp_path_factory.mktemp("changed"))
    return rv.open_runs(store.directory).get(planned(store, experiment, CHANGES))


def by_hand(seed: int = 5) -> list[float]:
    """He 2016a's eight layers written out, with the changes of :data:`CHANGES` in plain words; the losses."""
    torch.set_num_threads(1)
    data = load("digits")
    model = build(preset("tiny_resnet8"), seed=seed).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, foreach=True)
    batches = Batches(data.train_x, data.train_y, 64, seed)
    draws = generator(seed, "drop path and dropout", torch.device("cpu"))
    losses = []
    for step in range(24):
        x, y = batches[step]
        alpha = dict.fromkeys((1, 2, 3), 0.5 if 7 <= step < 17 else 1.0)
        if 5 <= step < 9:
            alpha[2] = 0.0
        if step >= 18:
            alpha[3] = 0.0
        survival = 1.0 if step >= 20 else 0.6
        x = functional.relu(model.bn1(model.conv1(x.contiguous(memory_format=torch.channels_last))))
        for s in (1, 2, 3):
            unit = getattr(model, f"layer{s}")[0]
            branch = unit.bn2(unit.conv2(functional.relu(unit.bn1(unit.conv1(x)))))
            if step >= 13:
                chance = 1 - s / 3 * (1 - survival)
                branch = branch * (torch.empty(()).bernoulli_(chance, generator=draws) / chance)
            around = x if s == 1 else functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, branch.shape[1] - x.shape[1]))
            x = functional.relu(branch + alpha[s] * around)
        loss = functional.cross_entropy(model.fc(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1)), y)
        optimizer.zero_grad()
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = 0.05 if step >= 3 else 0.1
            group["weight_decay"] = 0.05 if step >= 11 else 1e-4
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_the_losses_are_those_of_a_loop_that_does_the_same(changed: rv.Run) -> None:
    assert changed.signals("residual")["loss"].tolist() == pytest.approx(by_hand(), rel=1e-4)


def test_a_strength_of_zero_is_the_plain_network_to_the_last_bit(
    experiment: Experiment, changed: rv.Run, store: Store
) -> None:
    """And a plain contestant feels only what all have."""
    both = [change for change in CHANGES if change.kind in ("lr", "weight_decay")]
    found = run_data(store, planned(store, experiment, [Change(step=0, kind="alpha", value=0), *both]))
    residual, plain = (found.signals(name) for name in ("residual", "plain"))
    for name in plain:
        if name.startswith("input_grad/"):  # lies otherwise in memory, so that its squares are added in another order
            assert residual[name] == pytest.approx(plain[name], rel=1e-6)
        else:
            assert residual[name].tobytes() == plain[name].tobytes(), name
    assert found.evals("residual") == found.evals("plain")
    assert found.frames["plain"].tobytes() == changed.data.frames["plain"].tobytes()


def test_cut_while_it_stands_then_rewound_with_and_without_the_changes(
    experiment: Experiment, store: Store, wait_until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_actions, "ensure_worker", lambda store: None)
    run = store.create(experiment, paused=True, owner=process_identity())
    thread = threading.Thread(target=partial(execute, store, run))
    thread.start()
    wait_until(lambda: len(store.rows_written(run)) == 2)
    for _ in range(4):
        before = min(store.rows_written(run).values())
        store.command(run, "step")
        wait_until(lambda before=before: min(store.rows_written(run).values()) == before + 1)
    refused = (
        {"contestant": "plain", "block": "layer2.0"}, {"contestant": "nobody", "block": "layer2.0"},
        {"contestant": "residual", "block": "layer9.0"}, {"contestant": "residual"},
    )  # fmt: skip
    for whose in refused:
        store.command(run, "shortcut", value=0, **whose)
    store.command(run, "alpha", value=9)
    store.command(run, "drop_path", value=0)
    store.command(run, "shortcut", value=0, contestant="residual", block="layer2.0")
    store.command(run, "resume")
    wait_until(lambda: min(store.rows_written(run).values()) > 8 or store.row(run).state == "finished")
    store.command(run, "alpha", value=0.25)
    store.command(run, "drop_path", value=0.7)
    thread.join()
    made = changes_of(store, run)
    assert made[0] == Change(step=5, kind="shortcut", value=0, contestant="residual", block="layer2.0")
    assert {change.kind for change in made[1:]} <= {"alpha", "drop_path"}
    whole = run_data(store, run)
    for with_changes in (True, False):
        other = run_actions.again(store, store.row(run), changes=with_changes)
        assert other is not None and store.claim(other, *process_identity())
        assert execute(store, other) == "finished"
        found = run_data(store, other)
        assert (changes_of(store, other) == made) == with_changes
        same = [found.frames[name].tobytes() == whole.frames[name].tobytes() for name in ("plain", "residual")]
        assert same == [True, with_changes]


@pytest.mark.parametrize("stop", [14, *(pytest.param(stop, marks=pytest.mark.long) for stop in (4, 6, 12, 19))])
def test_a_run_that_was_stopped_goes_on_with_its_changes(
    experiment: Experiment, changed: rv.Run, store: Store, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    """As if killed: the older checkpoint is the one that is there."""
    monkeypatch.setattr(race, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(race, "KEEP_SHARE", 1.0)
    ending = threading.Event()
    run = store.create(experiment, owner=process_identity())
    for change in CHANGES:
        data = {"value": change.value} | ({"block": change.block} if change.block else {})
        store.add_event(run, change.kind, data, contestant=change.contestant, step=change.step)
    store.command(run, "pace", value=60)

    def watch(seen: object) -> None:
        if min(store.rows_written(run).values(), default=0) > stop:
            ending.set()

    assert execute(store, run, ending=ending, progress=watch) == "interrupted"
    for name in experiment.contestants:
        if len(store.kept(run, name)) > 1:
            store.forget(store.kept(run, name)[0])
    assert rv.resume(run, store=store).state == "finished"
    assert changes_of(store, run) == CHANGES
    ours, theirs = run_data(store, run), changed.data
    for name in experiment.contestants:
        assert ours.frames[name].tobytes() == theirs.frames[name].tobytes()
        assert ours.evals(name) == theirs.evals(name)
        one, other = (
            read(s.directory / s.kept(r, name)[0].file).tensors
            for s, r in ((store, run), (changed.store, changed.id))
        )  # fmt: skip
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"kind": "alpha", "value": 5}, "the shortcut strength is 5: it must be from -4 to 4"),
        ({"kind": "lr", "value": 0}, "the learning rate is 0: it must be above 0 and at most 100"),
        ({"kind": "drop_path", "value": 1.5}, "the survival is 1.5: it must be above 0 and at most 1"),
        ({"kind": "weight_decay", "value": -1}, "the weight decay is -1: it must be from 0 to 1"),
        ({"kind": "shortcut", "value": 0.5, "contestant": "a", "block": "layer1.0"},
         "a shortcut is cut with 0 and restored with 1, and has a contestant and a block"),
        ({"kind": "shortcut", "value": 0},
         "a shortcut is cut with 0 and restored with 1, and has a contestant and a block"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError) as refused:
        Change.model_validate({"step": 3, **fields})
    assert sentence in str(refused.value)


def test_a_checkpoint_from_before_there_were_other_changes_is_read() -> None:
    text = '{"run":"r","contestant":"a","experiment":"x","device":"cpu","step":5,"computed":true,"changes":[[3,0.05]]}'
    assert Place.model_validate_json(text).changes == (Change(step=3, kind="lr", value=0.05),)
