"""Batches come from the seed alone, each image once an epoch."""

import torch

from resnet_viz.train.augment import crop_flip, epoch_moves
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


def test_moves_depend_on_seed_and_epoch_only_and_reach_every_place():
    moves = epoch_moves(5000, 3, 2)
    assert torch.equal(moves, epoch_moves.__wrapped__(5000, 3, 2))
    assert not torch.equal(moves, epoch_moves(5000, 3, 1)) and not torch.equal(moves, epoch_moves(5000, 4, 2))
    assert [sorted(set(column.tolist())) for column in moves.T] == [list(range(9)), list(range(9)), [0, 1]]
    assert not torch.equal(torch.argsort(moves[:, 0], stable=True), epoch_order(5000, 3, 2))


def test_crop_and_flip_is_the_naive_one():
    x = torch.arange(6 * 2 * 5 * 7.0).reshape(6, 2, 5, 7)
    moves = torch.tensor([[4, 4, 0], [4, 4, 1], [0, 0, 0], [8, 8, 1], [0, 8, 0], [3, 5, 1]])
    made = crop_flip(x, moves)
    for image, (top, left, flip), found in zip(x, moves.tolist(), made, strict=True):
        padded = torch.zeros(2, 5 + 8, 7 + 8)
        padded[:, 4:-4, 4:-4] = image
        cropped = padded[:, top : top + 5, left : left + 7]
        assert torch.equal(found, cropped.flip(-1) if flip else cropped)
    assert torch.equal(made[0], x[0]) and torch.equal(made[1], x[1].flip(-1))


def test_each_image_has_its_own_moves_in_its_batch():
    x, y = torch.rand(20, 1, 8, 8), torch.arange(20)
    plain, moved = Batches(x, y, 8, 5), Batches(x, y, 8, 5, augment=True)
    assert plain.sizes == moved.sizes == (8, 4) and Batches(x, y, 20, 5).sizes == (20,)
    assert Batches(x, y, 30, 5).sizes == (20,) and Batches(x, y, 10, 5).sizes == (10,)
    for step in (0, 2, 5, 3):
        labels = moved[step][1]
        assert torch.equal(labels, plain[step][1])
        assert torch.equal(moved[step][0], crop_flip(x[labels], epoch_moves(20, 5, step // 3)[labels]))
