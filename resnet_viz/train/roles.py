"""Which role each contestant plays: its colour, dash and marker hang on this name, everywhere."""

from __future__ import annotations

from collections.abc import Mapping

from ..spec import Network

ROLES = ("plain", "residual", "third", "fourth", "fifth", "sixth")


def role_names(contestants: Mapping[str, Network]) -> dict[str, str]:
    """The role of each contestant: "plain", "residual", "third" to "sixth".

    The first network without any shortcut is "plain", the first one with shortcuts "residual"; the others take
    the roles that are left, from "third" on, in their order (a sixth of one kind gets the other kind's role).
    """
    roles: dict[str, str] = {}
    for wanted, plain in (("plain", True), ("residual", False)):
        for name, network in contestants.items():
            if network.is_plain == plain:
                roles[name] = wanted
                break
    spare = iter([*ROLES[2:], *(role for role in ROLES[:2] if role not in roles.values())])
    return {name: roles.get(name) or next(spare) for name in contestants}
