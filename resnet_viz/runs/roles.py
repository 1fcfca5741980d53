"""The roles of contestants, for everything above ``train``: see :mod:`resnet_viz.train.roles`."""

from __future__ import annotations

from ..train.roles import ROLES, role_names

__all__ = ["ROLES", "role_names"]
