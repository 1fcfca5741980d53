"""Questions: what readers ask, each answered by an experiment that runs in front of them."""

from resnet_viz.ui import lab_list, lab_view

lab_view.styles()
lab_list.cards(lab_list.found(lab_list.head()))
