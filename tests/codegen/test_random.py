"""Random valid networks: their source imports, takes our weights strictly, gives our outputs, and is formatted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from resnet_viz.spec import Network
from tests.codegen.exported import assert_equal, unformatted
from tests.strategies import networks


def hold(examples: int, folder: Path) -> None:
    @given(network=networks())
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(network: Network) -> None:
        for style in ("explicit", "lazy"):
            assert_equal(network, style, folder)  # type: ignore[arg-type]

    holds()
    assert unformatted(folder) == ""


def test_random_networks_give_our_outputs_in_both_styles(tmp_path: Path) -> None:
    hold(60, tmp_path)


@pytest.mark.long
def test_many_random_networks_give_our_outputs_in_both_styles(tmp_path: Path) -> None:
    hold(300, tmp_path)
