"""Recording a loop of one's own: the same store, the loop untouched, whatever happens."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import resnet_viz as rv
from resnet_viz.draw.verdict import verdict
from resnet_viz.runs import Store, open_runs, save_recording
from resnet_viz.runs.lightning_callback import RecordHooks, lightning_callback
from resnet_viz.serve.messages import Follower


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.unused = nn.Linear(3, 3)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.conv(x).relu().mean((2, 3)))


def data(steps: int):
    torch.manual_seed(0)
    return [(torch.randn(8, 1, 6, 6), torch.randint(2, (8,))) for _ in range(steps)]


def loop(model: nn.Module, recorder, steps: int = 5) -> tuple[list[float], list[list[float]]]:
    """A bare loop with its own book-keeping: losses, and norms of conv and fc."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, norms = [], []
    for x, y in data(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        recorder.step(loss)
        losses.append(loss.item())
        norms.append([float(layer.weight.grad.norm()) for layer in (model.conv, model.fc)])
    return losses, norms


def test_two_lines_record_a_bare_loop(tmp_path):
    model = Net()
    recorder = rv.record(model, store=tmp_path, name="mine")
    losses, norms = loop(model, recorder)
    run = open_runs(tmp_path).get(recorder.id)
    assert (run.state, run.name, run.recorded) == ("running", "mine", True)
    recorder.close()
    recorder.close()
    assert (run.state, run.reason) == ("finished", None)
    signals = run.signals("model")
    assert list(signals) == ["loss", "lr", "grad_norm/conv", "grad_norm/fc", "grad_norm/unused"] or list(signals) == [
        "loss", "lr", "grad_norm/conv", "grad_norm/unused", "grad_norm/fc",
    ]  # fmt: skip
    assert signals["loss"].tolist() == pytest.approx(losses)
    assert signals["grad_norm/conv"].tolist() == pytest.approx([row[0] for row in norms], rel=1e-6)
    assert signals["grad_norm/fc"].tolist() == pytest.approx([row[1] for row in norms], rel=1e-6)
    assert np.isnan(signals["grad_norm/unused"]).all() and np.isnan(signals["lr"]).all()
    (card,) = run.header["contestants"]
    assert [layer["path"] for layer in card["layers"]] == ["conv", "fc"]  # the pictures leave out what takes no part
    assert run.evals("model") == []


def test_what_reads_runs_reads_a_recorded_one(tmp_path):
    model = Net()
    with rv.record(model, store=tmp_path) as recorder:
        loop(model, recorder)
    store = Store(tmp_path)
    follower = Follower(store, recorder.id)
    (message,) = follower.poll()
    assert (message["state"], message["verdicts"][-1][0]) == ("finished", 4)
    assert message["frames"][0]["train_error"] == [None] * 5
    assert follower.header()["experiment_steps"] == 0
    run = open_runs(tmp_path).get(recorder.id)
    assert verdict(run.data).bold == "At this step the gradients of model are healthy."
    assert verdict(run.data, 0).bold == "At initialisation the gradients of model are healthy."
    assert (
        open_runs(tmp_path).export(recorder.id, "csv").startswith(b'"contestant","step","loss","lr","grad_norm/conv"')
    )
    with pytest.raises(ValueError) as refused:
        save_recording(run.data, tmp_path / "x")
    assert str(refused.value) == "This run comes from a training loop of somebody's own: only its tables can be saved."
    with pytest.raises(rv.SpecError) as refused:
        store.set_state(recorder.id, "interrupted")
        rv.resume(recorder.id, store=tmp_path)
    assert str(refused.value) == (
        f"The run {recorder.id} comes from a training loop of somebody's own: only that can go on."
    )


def test_a_layer_that_takes_no_part_in_some_steps_is_no_breakdown(tmp_path):
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2), "c": nn.Linear(2, 1)})
    with rv.record(model, store=tmp_path) as recorder:
        for step in range(4):
            model.zero_grad()
            x = model["a"](torch.ones(1, 2))
            loss = model["c"](x if step == 2 else model["b"](x)).sum()
            loss.backward()
            recorder.step(loss)
    run = open_runs(tmp_path).get(recorder.id)
    assert np.isnan(run.signals("model")["grad_norm/b"]).tolist() == [False, False, True, False]
    assert "breaks down" not in verdict(run.data).bold
    follower = Follower(Store(tmp_path), recorder.id)
    assert all("breaks down" not in bold for _, bold, _ in follower.poll()[0]["verdicts"])


def test_accumulated_gradients_and_the_learning_rate(tmp_path):
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    expected = []
    with rv.record(model, store=tmp_path, optimizer=optimizer, steps=3) as recorder:
        for step in range(3):
            optimizer.zero_grad()
            for x, y in data(2):
                loss = nn.functional.cross_entropy(model(x), y) / 2
                loss.backward()
            expected.append(float(model.conv.weight.grad.norm()))
            optimizer.step()
            recorder.step(loss=2 * loss.item())
            schedule.step()
            assert step < 3
    run = open_runs(tmp_path).get(recorder.id)
    assert run.signals("model")["grad_norm/conv"].tolist() == pytest.approx(expected, rel=1e-6)
    assert run.signals("model")["lr"].tolist() == pytest.approx([0.01, 0.005, 0.0025])
    assert run.header["steps"] == 3


def test_a_gradient_scaler(tmp_path):
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    twin = Net()
    twin.load_state_dict(model.state_dict())
    with rv.record(model, store=tmp_path) as recorder:
        for step, (x, y) in enumerate(data(2)):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=False):
                loss = nn.functional.cross_entropy(model(x), y) * (float("inf") if step else 1.0)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            recorder.step(loss, scaler=scaler)
    x, y = data(1)[0]
    nn.functional.cross_entropy(twin(x), y).backward()
    norms = open_runs(tmp_path).get(recorder.id).signals("model")["grad_norm/conv"]
    assert norms[0] == pytest.approx(float(twin.conv.weight.grad.norm()), rel=1e-5)
    assert np.isnan(norms[1])


def test_only_rank_0_records_and_the_wrapper_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    model = Net()
    other = rv.record(model, store=tmp_path)
    loop(model, other)
    other.close()
    assert other.id is None
    assert not (tmp_path / "runs.sqlite3").exists()
    monkeypatch.delenv("WORLD_SIZE")
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        wrapped = nn.parallel.DistributedDataParallel(Net(), find_unused_parameters=True)
        with rv.record(wrapped, store=tmp_path) as recorder:
            for x, y in data(2):
                wrapped.zero_grad()
                loss = nn.functional.cross_entropy(wrapped(x), y)
                loss.backward()
                recorder.step(loss)
    finally:
        torch.distributed.destroy_process_group()
    signals = open_runs(tmp_path).get(recorder.id).signals("model")
    assert "grad_norm/conv" in signals and len(signals["loss"]) == 2


SCRIPT = """
import sys, time, torch, resnet_viz as rv
model = torch.nn.Linear(2, 1)
rec = rv.record(model, store=sys.argv[1])
for step in range(3):
    model.zero_grad()
    loss = model(torch.ones(1, 2)).sum()
    loss.backward()
    rec.step(loss)
if sys.argv[2] == "raise":
    raise RuntimeError("no more data")
if sys.argv[2] == "wait":
    time.sleep(60)
"""


def test_the_end_of_the_process_is_the_end_of_the_recording(tmp_path, wait_until):
    def begin(how):
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path / how), how], stderr=subprocess.DEVNULL)

    processes = {how: begin(how) for how in ("return", "raise", "wait")}
    runs = {how: wait_until(lambda how=how: open_runs(tmp_path / how).list())[0] for how in processes}
    wait_until(lambda: len(runs["wait"].data.frames.get("model", ())) == 3)  # they do not wait for a fourth step
    processes["wait"].kill()
    for process in processes.values():
        process.wait()
    assert (runs["return"].state, runs["return"].reason) == ("finished", None)
    assert (runs["raise"].state, runs["raise"].reason) == (
        "failed", "The loop ended with RuntimeError: no more data.",
    )  # fmt: skip
    wait_until(lambda: runs["wait"].state == "interrupted", 10)
    for run in runs.values():
        assert len(run.signals("model")["loss"]) == 3


def test_an_error_inside_the_block_is_the_reason(tmp_path):
    model = Net()
    for error, state, reason in (
        (KeyError("x"), "failed", "The loop ended with KeyError: 'x'."),
        (KeyboardInterrupt(), "stopped", "Stopped with Ctrl-C."),
        (SystemExit(0), "finished", None),
    ):
        with pytest.raises(type(error)), rv.record(model, store=tmp_path) as recorder:
            loop(model, recorder, 1)
            raise error
        run = open_runs(tmp_path).get(recorder.id)
        assert (run.state, run.reason) == (state, reason)


def test_a_store_that_cannot_be_written_never_stops_the_loop(tmp_path, monkeypatch):
    model = Net()
    recorder = rv.record(model, store=tmp_path / "a")

    def full(*args, **kwargs):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "append", full)
    with pytest.warns(UserWarning) as warned:
        losses, _ = loop(model, recorder)
        recorder.close()
    assert [str(w.message) for w in warned] == [
        "The recording ends here, since the store cannot be written (database or disk is full)."
    ]
    assert len(losses) == 5
    monkeypatch.undo()
    recorder = rv.record(model, store=tmp_path / "b")
    loop(model, recorder)
    shutil.rmtree(tmp_path / "b")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loop(model, recorder, 30)
        recorder.close()


def test_the_app_can_stop_the_recording_and_not_the_loop(tmp_path, wait_until):
    model = Net()
    recorder = rv.record(model, store=tmp_path)
    loop(model, recorder)
    Store(tmp_path).command(recorder.id, "stop")
    run = open_runs(tmp_path).get(recorder.id)
    wait_until(lambda: run.state == "stopped")
    assert run.reason == "The recording was stopped by hand; the loop that it listened to goes on."
    loop(model, recorder)
    recorder.close()
    assert run.state == "stopped" and len(run.signals("model")["loss"]) == 5


def test_what_cannot_be_recorded_is_refused(tmp_path):
    with pytest.raises(TypeError) as refused:
        rv.record(3, store=tmp_path)
    assert str(refused.value) == "rv.record takes a torch.nn.Module, not int"
    model = Net()
    recorder = rv.record(model, store=tmp_path)
    with pytest.raises(ValueError) as refused:
        recorder.step(torch.zeros(3))
    assert str(refused.value) == "loss has the shape (3,): give one number, such as its mean"
    second = rv.record(model, store=tmp_path)
    assert open_runs(tmp_path).get(recorder.id).state == "finished"
    second.close()
    with pytest.raises(ValueError) as refused:
        second.step(1.0)
    assert str(refused.value) == "this recording is closed: rv.record(model) begins another one"


def test_the_lightning_callback_writes_a_row_for_each_step_of_the_optimizer(tmp_path):
    """The calls and their order are those of Lightning 2; every second batch ends with a step."""
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trainer = types.SimpleNamespace(
        estimated_stepping_batches=2, optimizers=[optimizer], global_step=0,
        precision_plugin=types.SimpleNamespace(scaler=None),
    )  # fmt: skip
    hooks = RecordHooks(tmp_path, "lightning")
    hooks.on_train_start(trainer, model)
    for index, (x, y) in enumerate(data(4)):
        loss = nn.functional.cross_entropy(model(x), y)
        if index % 2 == 0:
            optimizer.zero_grad()
        (loss / 2).backward()
        if index % 2:
            optimizer.step()
            trainer.global_step += 1
        hooks.on_train_batch_end(trainer, model, {"loss": loss.detach()}, (x, y), index)
    hooks.on_train_end(trainer, model)
    (run,) = open_runs(tmp_path).list()
    assert (run.name, run.state, run.header["steps"]) == ("lightning", "finished", 2)
    assert len(run.signals("model")["loss"]) == 2
    hooks.on_train_start(trainer, model)
    hooks.on_exception(trainer, model, RuntimeError("out of data"))
    assert open_runs(tmp_path).list()[0].reason == "The loop ended with RuntimeError: out of data."


def test_the_lightning_callback_is_one_of_lightnings(monkeypatch):
    fake = types.ModuleType("lightning.pytorch")
    fake.Callback = type("Callback", (), {})
    monkeypatch.setitem(sys.modules, "lightning", types.ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", fake)
    assert isinstance(lightning_callback(name="x"), fake.Callback)
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError) as refused:
        lightning_callback()
    assert str(refused.value) == 'Lightning is not installed: pip install "resnet-viz[lightning]"'
