"""Looking at a model leaves the process as it was."""

from __future__ import annotations

import pytest
import torch

from resnet_viz.inspect.foreign import inspect_model
from resnet_viz.inspect.specimen import untouched
from tests.inspect.own_models import mlp


def test_no_random_state_is_touched_and_no_accelerator_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    def seeded(*_: object) -> None:
        raise AssertionError("an accelerator was seeded")

    for accelerator in (torch.cuda, torch.mps, torch.xpu):
        for name in ("manual_seed", "manual_seed_all"):
            monkeypatch.setattr(accelerator, name, seeded, raising=False)
    model = mlp()
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with untouched():
            drawn.append(torch.rand(3))
    inspect_model(model, (3, 8, 8))
    assert torch.equal(*drawn)
    assert torch.equal(torch.get_rng_state(), before)
