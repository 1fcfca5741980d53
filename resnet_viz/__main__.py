"""``python -m resnet_viz``: the command line of :mod:`resnet_viz.cli`."""

from resnet_viz.cli import main

main()
