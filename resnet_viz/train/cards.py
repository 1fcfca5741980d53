"""What is known of each contestant before it trains: description, role, parameters, measured layers, signals."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..inspect import layers, summarize
from ..spec import Block, Experiment, Network, Recipe
from .engine import block_paths
from .measures import measure_names
from .probes import signal_names
from .roles import role_names
from .seeds import band_names


def describe_blocks(network: Network) -> str:
    """The stages in a few words: "3 × 9 basic blocks, no shortcut", "3 + 4 + 6 + 3 bottleneck blocks, shortcut B".

    Where stages differ in kind, the kind of the first is named and "mixed" added.
    """
    counts = [stage.blocks for stage in network.stages]
    equal = len(set(counts)) == 1
    shape = f"{len(counts)} × {counts[0]}" if equal and len(counts) > 1 else " + ".join(map(str, counts))
    kinds = list(dict.fromkeys(_kind(block) for block in network.each))
    first = kinds[0]
    words = [f"{shape} {first[0]} block{'' if sum(counts) == 1 else 's'}", *first[1:]]
    return ", ".join(words + ["mixed"] * (len(kinds) > 1))


def _kind(block: Block) -> tuple[str, ...]:
    branch = "parallel-path" if block.branch == "paths" else block.branch
    words = [("pre-activation " if block.preactivated else "") + branch]
    if block.cardinality > 1:
        words.append(f"{block.cardinality} groups")
    if block.attention != "none":
        words.append({"squeeze_excitation": "squeeze-excitation"}.get(block.attention, block.attention))
    if block.norm == "none":
        words.append("no norm")
    gates = {"highway": "highway gates", "shortcut_gate": "gated shortcut"}
    words.append("no shortcut" if block.merge == "none" else gates.get(block.merge, f"shortcut {block.shortcut}"))
    if block.merge != "none" and (block.alpha, block.beta) != (1, 1):
        words.append(f"{block.beta:g} F(x) + {block.alpha:g} x")
    return tuple(words)


def cards(experiment: Experiment) -> list[dict[str, Any]]:
    """One JSON-ready dictionary a contestant, in order, as a run's header and an estimate show it.

    Keys: name, role, network_name, parameters, description, signals (the columns of its telemetry), layers
    (path, kind, stage, block, projection, channels, height, width). Raises ``SpecError`` for a network that
    cannot be built.
    """
    roles, seeds = role_names(experiment.contestants), experiment.recipe.seeds
    found = []
    for name, network in experiment.contestants.items():
        measured = layers(network)
        paths = [layer.path for layer in measured]
        more = measure_names(network, paths, experiment.recipe.probes)
        signals = signal_names(paths, block_paths(network), more)
        found.append(
            {
                "name": name,
                "role": roles[name],
                "network_name": network.name,
                "parameters": summarize(network).params,
                "description": _seeds(experiment.recipe) + describe_blocks(network),
                "signals": list(band_names(signals, seeds)),
                "layers": [asdict(layer) for layer in measured],
            }
        )
    return found


def _seeds(recipe: Recipe) -> str:
    return f"median of {recipe.seeds} seeds, " if recipe.seeds > 1 else ""


def measured_paths(found: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Of :func:`cards`: the paths of the measured layers by contestant."""
    return {card["name"]: [layer["path"] for layer in card["layers"]] for card in found}
