"""Pretrained: a network that was trained on ImageNet, looked at block by block, on a picture of one's own."""

from resnet_viz.ui import editor
from resnet_viz.ui.pretrained_view import pretrained_page

editor.styles()
pretrained_page()
