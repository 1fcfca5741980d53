"""Batches come from the seed alone, each image once an epoch."""

import torch

from resnet_viz.train.batches import Batches, epoch_order


def numbered(images: int, batch: int, seed: int = 0) -> Batches:
    y = torch.arange(images)
    return Batches(y.float().reshape(-1, 1, 1, 1), y, batch, seed)


def test_each_epoch_has_every_image_once_and_keeps_the_short_last_batch():
    batches = numbered(1500, 128)
    assert batches.per_epoch == 12
    for epoch in range(3):
        parts = [batches[12 * epoch + i][1] for i in range(12)]
        assert [len(part) for part in parts] == [128] * 11 + [92]
        assert sorted(torch.cat(parts).tolist()) == list(range(1500))


def test_images_and_labels_stay_together():
    x, y = numbered(50, 8)[3]
    assert torch.equal(x.flatten().long(), y)


def test_the_order_depends_on_seed_and_epoch_only():
    forward, backward = numbered(100, 10, seed=7), numbered(100, 10, seed=7)
    there = [forward[i][1].tolist() for i in range(30)]
    back = [backward[i][1].tolist() for i in reversed(range(30))]
    assert there == back[::-1]
    assert there[:10] != there[10:20]
    assert there != [numbered(100, 10, seed=8)[i][1].tolist() for i in range(30)]


def test_torchs_global_generator_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    epoch_order.cache_clear()
    epoch_order(1500, 0, 0)
    assert torch.equal(torch.get_rng_state(), before)
