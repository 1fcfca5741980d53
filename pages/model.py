"""Your model: any module of the person's own, in the playground's graph and table."""

from resnet_viz.ui import editor
from resnet_viz.ui.model_view import model_page

editor.styles()
model_page()
