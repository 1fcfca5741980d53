"""The state of an engine, taken and put back: the next steps are the same, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from resnet_viz.data import load
from resnet_viz.inspect import layers
from resnet_viz.spec import DropPath, Network, Recipe, preset
from resnet_viz.train.checkpoints import Checkpoint, CheckpointError, Place, read, write
from resnet_viz.train.devices import calculation
from resnet_viz.train.engine import EagerEngine, on_device

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
DROPPING = preset("tiny_resnet8").model_copy(update={"drop_path": DropPath(survival=0.5)})


def engine(network: Network, device: str, **recipe) -> EagerEngine:
    where = torch.device(device)
    data = on_device(load("digits"), where)
    return EagerEngine(network, Recipe(**recipe), data, [layer.path for layer in layers(network)], where)


def rows(made: EagerEngine, first: int, count: int, *, computed: bool = False) -> bytes:
    """The telemetry of so many steps, and the weights after them."""
    with made.on_stream():
        for step in range(first, first + count):
            if not (computed and step == first):
                made.compute(step, 0.1)
            made.update(0.1)
        weights = b"".join(value.cpu().numpy().tobytes() for value in made.model.state_dict().values())
        first_row, values = made.probe.take()
    assert first_row == first + computed
    return values.tobytes() + weights


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("computed", [False, True])
@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_what_is_put_back_goes_on_with_the_same_bits(tmp_path, device, computed, momentum):
    with calculation(torch.device(device)):
        first = engine(DROPPING, device, momentum=momentum)
        rows(first, 0, 3)
        with first.on_stream():
            if computed:
                first.compute(3, 0.1)
                first.probe.take()
            tensors = first.state(computed=computed)
        place = Place(run="r", contestant="c", experiment="x", device=device, step=3, computed=computed)
        write(Checkpoint(place, tensors), tmp_path / "a.safetensors")
        found = read(tmp_path / "a.safetensors")
        assert found.place == place
        second = engine(DROPPING, device, momentum=momentum, seed=7)  # other weights, other draws
        second.batches.seed = 0
        second.restore(found.tensors, 3, computed=computed)
        assert rows(first, 3, 4, computed=computed) == rows(second, 3, 4, computed=computed)


def test_tensors_are_copies_that_training_does_not_touch():
    made = engine(DROPPING, "cpu")
    rows(made, 0, 1)
    tensors = made.state(computed=True)
    before = {name: value.clone() for name, value in tensors.items()}
    rows(made, 1, 2)
    assert all(torch.equal(before[name], value) for name, value in tensors.items())
    assert {name.partition("/")[0] for name in tensors} == {"model", "momentum", "gradient", "random"}
    assert all(value.is_contiguous() and value.device.type == "cpu" for value in tensors.values())


def test_another_networks_state_is_refused():
    tensors = engine(preset("tiny_plain8"), "cpu").state(computed=False)
    with pytest.raises(CheckpointError) as refused:
        engine(preset("tiny_resnet20"), "cpu").restore(tensors, 0, computed=False)
    assert str(refused.value) == "belongs to another network"


def test_a_file_of_something_else_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError) as refused:
        read(tmp_path / "a.safetensors")
    assert str(refused.value) == "is no checkpoint of ResNet Viz"
