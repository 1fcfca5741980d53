"""Random valid networks build, learn, trace, add up, are encoded and written as code: 60 in `make test`, 300 in long.

What is asserted lies beside what it tests; here all of it meets on the same network.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from resnet_viz.spec import Network, decode, encode
from tests.codegen.exported import assert_equal, unformatted
from tests.inspect.test_summarize import assert_adds_up, assert_counts_are_torchinfos
from tests.inspect.test_trace import assert_whole
from tests.nn.test_build import assert_learns
from tests.strategies import networks


def held(examples: int, folder: Path) -> int:
    """How many random networks have every property; the first that has not fails."""
    count = 0

    @given(network=networks())
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(network: Network) -> None:
        nonlocal count
        assert_learns(network)
        assert_whole(network)
        assert_adds_up(network)
        assert_counts_are_torchinfos(network)
        assert decode(encode(network)) == Network.model_validate_json(network.model_dump_json()) == network
        for style in ("explicit", "lazy"):
            assert_equal(network, style, folder)  # type: ignore[arg-type]
        count += 1

    holds()
    return count


def test_random_networks_hold_every_property(tmp_path: Path) -> None:
    assert held(60, tmp_path) >= 60
    assert unformatted(tmp_path) == ""


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_random_networks_hold_every_property(tmp_path: Path) -> None:
    assert held(300, tmp_path) >= 300
    assert unformatted(tmp_path) == ""
