"""The embedded digits are scikit-learn's, split once and for all."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from resnet_viz.data import load
from resnet_viz.spec import DATASETS


def test_the_embedded_file_holds_scikit_learns_images_in_the_documented_split():
    theirs = load_digits()
    places = np.random.RandomState(0).permutation(1797)
    train, test = np.sort(places[:1500]), np.sort(places[1500:])
    ours = load("digits")
    for x, y, chosen in ((ours.train_x, ours.train_y, train), (ours.test_x, ours.test_y, test)):
        assert np.array_equal(x.numpy()[:, 0] * 16, theirs.images[chosen])
        assert np.array_equal(y.numpy(), theirs.target[chosen])


@pytest.mark.parametrize("name", DATASETS)
def test_what_the_spec_says_of_a_data_set_is_what_is_loaded(name):
    info, data = DATASETS[name], load(name)
    image = (info.channels, info.height, info.width)
    assert data.train_x.shape == (info.train, *image)
    assert data.test_x.shape == (info.test, *image)
    assert data.train_x.dtype == torch.float32 and data.train_y.dtype == torch.int64
    assert float(data.train_x.min()) >= 0 and float(data.train_x.max()) <= 1
    assert len(data.classes) == info.classes
    assert set(data.train_y.tolist()) == set(data.test_y.tolist()) == set(range(info.classes))


def test_a_data_set_is_read_once():
    assert load("digits") is load("digits")


def test_an_unknown_name_is_refused_with_the_names_that_there_are():
    with pytest.raises(KeyError) as refused:
        load("imagenet")
    assert refused.value.args[0] == "no data set is called 'imagenet'; the data sets are: digits, cluttered_digits"


def test_importing_the_package_does_not_import_torch():
    code = "import sys, resnet_viz.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
