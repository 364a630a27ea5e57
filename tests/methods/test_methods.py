"""The methods of Table 2: features against slow or hand-made ones, networks that can learn."""

import numpy as np
import pandas as pd
import pytest
import torch
from skimage.feature import local_binary_pattern
from torch.nn import functional

from merlib import loso
from merlib.config import Config, profile
from merlib.methods import METHODS, make
from merlib.methods.bi_woof import bi_woof
from merlib.methods.components import COMPONENTS, crops, in_crop, masks
from merlib.methods.deep import DeepClassifier
from merlib.methods.htnet import HTNet
from merlib.methods.lbp import BINS, lbp_codes, lbp_top
from merlib.methods.mdmo import mdmo, regions
from merlib.methods.rcn_a import attention
from merlib.methods.ststnet import STREAMS
from merlib.methods.tuned import LinearSVM
from merlib.preprocess.face import EYES as CROP
from merlib.proportions import PICTURE_EYES as PUBLISHED

LAPTOP = profile("laptop")
NETWORKS = [name for name, method in METHODS.items() if isinstance(method.build(), DeepClassifier)]
SHAPES = {
    "channels": (4, 3, 32, 32),
    "apex_flow": (3, 56, 56),
    "apex_picture": (3, 28, 28),
    "apex_grey": (1, 56, 56),
    "apex_change": (1, 56, 56),
    "five_states": (5, 64, 64),
    "five_changes": (5, 64, 64),
    "eighteen_frames": (18, 64, 64),
    "eighteen_changes": (18, 64, 64),
    "nine_flows": (4, 3, 28, 28),
    "eleven_flows": (4, 2, 28, 28),
}
"""Shapes of the views, with fewer frames where that is all the same to a network."""

QUICK = {
    "cnn-lstm": {"width": 0.125, "side": 64, "epochs": 20},
    "elrcn": {"width": 0.125, "side": 14, "epochs": 60, "batch_size": 4, "learning_rate": 5e-4},
    "merta": {"width": 0.0625, "side": 14, "epochs": 30, "batch_size": 4, "learning_rate": 1e-3},
    "micro-attention": {"width": 0.125, "side": 56, "epochs": 20},
    "kfc-mer": {"width": 0.125, "side": 28, "epochs": 20, "batch_size": 4, "learning_rate": 1e-3},
    "slstt": {"width": 0.125, "side": 14, "epochs": 50, "batch_size": 4, "learning_rate": 5e-4},
    "am3f-flownet": {"width": 0.125, "side": 28, "epochs": 40, "batch_size": 4},
    "off-apexnet": {"width": 0.125, "epochs": 100, "learning_rate": 1e-3},
    "ststnet": {"epochs": 200, "learning_rate": 3e-3},
    "3d-cnn": {"width": 0.25, "side": 32, "epochs": 40},
    "at-scnn": {"width": 0.125, "epochs": 40, "learning_rate": 1e-3},
    "lgccon": {"width": 0.125, "side": 56, "epochs": 20},
    "sssnet": {"width": 0.25, "epochs": 10, "batch_size": 8, "learning_rate": 2e-3},
    "rcn-a": {"width": 0.125, "epochs": 40, "batch_size": 4, "learning_rate": 0.03},
    "mmnet": {"width": 0.125, "side": 32, "epochs": 60, "batch_size": 8, "learning_rate": 5e-3},
    "htnet": {"width": 0.0625, "epochs": 40, "batch_size": 8, "learning_rate": 5e-4},
}
"""Smaller, and with larger steps, than the profile `laptop`: enough for a class that is easy."""

QUICK["kfc-mer-pooled"] = QUICK["kfc-mer"]
QUICK |= {f"{name}-changes": QUICK[name] for name in ("cnn-lstm", "micro-attention", "3d-cnn",
                                                     "lgccon")}  # fmt: skip


def easy(view, clips, seed=0):
    """Return clips of three classes: a bump of another place and direction, in noise."""
    rng = np.random.default_rng(seed)
    y = np.array(["a", "b", "c"])[np.arange(clips) % 3]
    X = rng.normal(scale=0.3, size=(clips, *SHAPES[view])).astype(np.float32)
    side = X.shape[-1]
    rows, columns = np.mgrid[:side, :side] / side
    alternating = (-1.0) ** np.arange(X.shape[-3])[:, None, None]  # of u and v, or of frames
    for label, row, column, sign in (
        ("a", 0.25, 0.3, 1),
        ("b", 0.55, 0.5, alternating),
        ("c", 0.85, 0.7, -1),
    ):
        bump = 6 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 0.02)
        X[y == label] += (sign * bump).astype(np.float32)
    return (np.rint(X * 18 + 127).clip(0, 255) if view == "apex_picture" else X), y


# LBP-TOP


def slow_lbp_top(volume, radius=1, time_radius=4):
    """LBP-TOP voxel by voxel, neighbour by neighbour, from the paper's words."""
    frames, height, width = volume.shape
    uniform = [
        code
        for code in range(256)
        if sum((code >> k & 1) != (code >> (k + 1) % 8 & 1) for k in range(8)) <= 2
    ]

    def value(t, y, x):
        """Bilinear in the two coordinates that are not whole."""
        total = 0.0
        for tt in (int(np.floor(t)), int(np.floor(t)) + 1):
            for yy in (int(np.floor(y)), int(np.floor(y)) + 1):
                for xx in (int(np.floor(x)), int(np.floor(x)) + 1):
                    weight = (1 - abs(t - tt)) * (1 - abs(y - yy)) * (1 - abs(x - xx))
                    if weight > 1e-9:
                        total += weight * volume[tt, yy, xx]
        return total

    counts = np.zeros((5, 5, 3, 59))
    for t in range(time_radius, frames - time_radius):
        for y in range(radius, height - radius):
            for x in range(radius, width - radius):
                block = (y - radius) * 5 // (height - 2), (x - radius) * 5 // (width - 2)
                for plane in range(3):
                    code = 0
                    for p in range(8):
                        c = round(np.cos(2 * np.pi * p / 8), 12)
                        s = -round(np.sin(2 * np.pi * p / 8), 12)
                        place = [
                            (t, y + radius * s, x + radius * c),
                            (t + time_radius * s, y, x + radius * c),
                            (t + time_radius * s, y + radius * c, x),
                        ][plane]
                        code += (value(*place) >= volume[t, y, x]) << p
                    bin_ = uniform.index(code) if code in uniform else 58
                    counts[(*block, plane, bin_)] += 1
    return (counts / counts.sum(axis=-1, keepdims=True)).ravel()


def test_lbp_top_is_the_slow_one():
    volume = np.random.default_rng(0).random((11, 9, 12)).astype(np.float32)
    found = lbp_top(volume)
    assert found.shape == (4425,)
    np.testing.assert_allclose(found, slow_lbp_top(volume.astype(float)), atol=1e-6)


def test_a_short_clip_takes_a_smaller_time_radius():
    volume = np.random.default_rng(1).random((6, 8, 8)).astype(np.float32)
    expected = slow_lbp_top(volume.astype(float), time_radius=2)
    np.testing.assert_allclose(lbp_top(volume), expected, atol=1e-6)
    with pytest.raises(ValueError, match="too small for LBP-TOP"):
        lbp_top(volume[:2])


def test_the_xy_codes_are_those_of_scikit_image():
    image = np.random.default_rng(2).integers(0, 256, (40, 50), dtype=np.uint8)
    found = lbp_codes(image[None].astype(np.float32), (2, 1), (1, 1), (0, 1, 1))[0]
    expected = local_binary_pattern(image, 8, 1, "default")[1:-1, 1:-1]
    assert (found == expected).mean() > 0.999  # float32 and float64 may part on a tie
    labels = local_binary_pattern(image, 8, 1, "nri_uniform")[1:-1, 1:-1]
    agreed = found == expected
    pairs = set(zip(BINS[found][agreed], labels[agreed], strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
    assert len(set(BINS)) == 59


# Bi-WOOF


def test_bi_woof_of_a_hand_made_field():
    """Right on the left half, up on the right half; strain in two blocks only."""
    flow = np.zeros((3, 20, 20))
    flow[0, :, :8] = 2.0
    flow[1, :, 8:] = -0.5  # up is negative v: the angle 270 degrees, bin 6
    flow[2, :4, :4] = 0.25  # block 0: sum of strain 4
    flow[2, 4:8, 16:20] = 0.75  # block 9: sum of strain 12
    found = bi_woof(flow).reshape(25, 8)
    expected = np.zeros((25, 8))
    expected[0, 0], expected[9, 6] = 4, 12
    np.testing.assert_allclose(found, expected / np.hypot(4, 12))
    assert not bi_woof(np.zeros((3, 20, 20))).any()


def test_orientations_are_weighted_by_magnitude_and_blind_to_its_scale():
    flow = np.zeros((3, 5, 10))  # one pixel high, two wide: two pixels a block
    flow[0, :, 0::2], flow[0, :, 1::2] = 3.0, -1.0
    flow[2] = 1.0
    found = bi_woof(flow).reshape(25, 8)
    np.testing.assert_allclose(found[:, 0] / found[:, 4], 3)
    flow[:2] *= 7
    np.testing.assert_allclose(bi_woof(flow).reshape(25, 8), found)


# MDMO


def test_mdmo_finds_the_main_motion_of_each_square():
    """Most vectors of a square point down, a few longer ones do not; the next square moves left."""
    where = regions(280, np.array([[0.33, 0.28], [0.67, 0.28]]))
    flow = np.zeros((2, 280, 280))
    flow[1][where == 7] = 2.0
    outliers = np.argwhere(where == 7)[:40]
    flow[:, outliers[:, 0], outliers[:, 1]] = 50.0
    flow[0][where == 8] = -4.0
    magnitude, direction = mdmo(flow, where).reshape(2, 36)
    np.testing.assert_allclose(magnitude[[7, 8]], [0.4, 0.8])
    np.testing.assert_allclose(direction[[7, 8]], [0.2 * np.pi / 2, 0.2 * np.pi])
    assert not np.delete(magnitude, [7, 8]).any()
    assert not mdmo(np.zeros((2, 280, 280)), where).any()


def test_directions_around_zero_are_one_bin():
    where = np.zeros((1, 2), int)
    flow = np.array([[[3.0, 3.0]], [[1.0, -1.0]]])
    magnitude, direction = mdmo(flow, where)[[0, 36]]
    assert magnitude == pytest.approx(0.8) and direction == 0


@pytest.mark.parametrize("eyes", [CROP, PUBLISHED])
def test_the_squares_lie_on_both_sides_of_the_midline_and_not_on_the_eyes(eyes):
    where = regions(290, eyes)
    assert set(np.unique(where)) == {-1, *range(36)}
    (left, right), height = (290 * eyes[:, 0]).astype(int), int(290 * eyes[0, 1])
    assert where[height, left] == where[height, right] == -1
    sizes = np.bincount(where[where >= 0])
    assert sizes.max() < 1.3 * np.median(sizes) and sizes.min() > 0.3 * np.median(sizes)
    spread = np.ptp(eyes[:, 0]) * 290
    mouth = [
        where[int(height + 1.03 * spread), int((left + right) / 2 + x * spread)]
        for x in (-0.41, 0.41)
    ]
    assert mouth == [25, 28]  # the corners of the mouth, second and fifth of the fifth row


def test_bi_woof_sees_a_published_picture_around_its_median():
    """The zero of such a picture is not known; most of a face does not move."""
    picture = np.full((3, 28, 28), 0.0)
    picture[:2], picture[2, :6, :6] = 130.0, 255.0
    picture[0, :6, :6] = 255.0  # right, in the first block of Bi-WOOF
    flow = picture / 255
    flow[:2] -= np.median(flow[:2], axis=(1, 2), keepdims=True)
    found = bi_woof(flow).reshape(25, 8)
    assert found[0, 0] > 0.9 and not np.delete(found, 0, axis=1).any()


# Support vector machines


def test_a_support_vector_machine_ranks_as_its_decisions_do():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 12)
    X = rng.normal(size=(36, 10)) + 2 * (y[:, None] == ["a", "b", "c"]) @ np.eye(3, 10)
    fitted = LinearSVM().fit(X, y, groups=np.arange(36) % 4)
    p = fitted.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_array_equal(fitted.predict(X), fitted.model_.predict(X))
    two = y != "c"
    pair = LinearSVM().fit(X[two], y[two])
    np.testing.assert_array_equal(pair.predict(X[two]), pair.model_.predict(X[two]))


# Networks


def weights(name):
    """Count the parameters of a network of five classes, at its full width."""
    return sum(p.numel() for p in make(name, Config()).build(5).parameters())


def conv(inputs, outputs, kernel, bias=1):
    """Count the weights of a convolution, of a linear layer with a kernel of 1."""
    return inputs * outputs * kernel**2 + bias * outputs


def norm(size):
    """Count the weights of a batch norm or layer norm."""
    return 2 * size


SSSNET = conv(3, 32, 5) + norm(32) + conv(32, 64, 3) + norm(64)
SSSNET += conv(64 * 9 * 9, 256, 1) + conv(256, 5, 1)
RCN_A = conv(3, 64, 5) + conv(64, 64, 1) + conv(64, 64, 3) + 3 * norm(64) + conv(64 * 25, 5, 1)


def test_networks_of_the_same_size_have_as_many_parameters_as_in_their_sources():
    sources = {
        "ststnet": 2485,
        "3d-cnn": 1643525,
        "3d-cnn-changes": 1643525,
        "sssnet": SSSNET,
        "rcn-a": RCN_A,
    }
    assert {name: weights(name) for name in METHODS if METHODS[name].same_size} == sources
    assert weights("off-apexnet") == 2666525  # by its layers; its authors print another number


def test_mmnet_has_the_weights_of_its_main_branch_and_a_map_of_places():
    stem = conv(3, 180, 3, bias=0) + norm(180) + conv(180, 128, 3, bias=0) + norm(128)
    blocks = 0
    for inputs, outputs in ((128, 128), (128, 128), (128, 256), (256, 512)):
        gate = conv(2, 1, 1, bias=0) + norm(1)
        body = conv(inputs, outputs, 3, bias=0) + conv(outputs, outputs, 1, bias=0)
        blocks += body + 2 * norm(outputs) + gate
    shortcuts = sum(
        conv(a, b, 1, bias=0) + norm(b) for a, b in ((128, 128), (128, 256), (256, 512))
    )
    places = 512 * 14 * 14
    assert weights("mmnet") == stem + blocks + shortcuts + places + conv(places, 5, 1)


def test_htnet_lacks_nothing_but_the_queries_and_keys_of_the_published_network():
    total, size = conv(147, 256, 1), 256
    for level, repeats in enumerate((2, 2, 10)):
        inner = size // (3 * 2**level) * 3 * 2**level
        values = conv(size, inner, 1, bias=0) + conv(inner, size, 1)
        layers = conv(size, 4 * size, 1) + conv(4 * size, size, 1)
        total += 1 + repeats * (2 * norm(size) + values + layers)  # 1: the place of the only token
        if level < 2:
            total += conv(size, 2 * size, 3) + norm(2 * size)
            size *= 2
    assert weights("htnet") == total + norm(size) + conv(size, 5, 1)


def test_attention_over_one_token_gives_queries_and_keys_no_gradient():
    """Why `htnet` leaves them out: the output is the value's, whatever they are."""
    torch.manual_seed(0)
    attention = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True)
    token = torch.randn(5, 1, 12)
    found = attention(token, token, token)[0]
    values = attention.in_proj_weight[24:]
    expected = token @ values.T @ attention.out_proj.weight.T
    torch.testing.assert_close(found, expected)
    found.square().sum().backward()
    slope = attention.in_proj_weight.grad
    assert slope[:24].abs().max() < 1e-6 * slope[24:].abs().max()


def test_htnet_sees_four_pieces_of_the_face_put_together():
    """Every number tells row and column; the pieces lie around eyes and corners of the mouth."""
    rows, columns = np.mgrid[:28, :28]
    picture = np.stack([rows, columns, 0 * rows])[None].astype(np.float32)
    found = HTNet().inputs(picture)[0]
    assert found.shape == (3, 28, 28)
    places = found[:2].reshape(2, 2, 14, 2, 14).mean(axis=(2, 4))  # row and column of each piece
    # row and column of the source's centres, which it rounds down, are 0.5 after the piece's mean
    np.testing.assert_array_equal(places[0] + 0.5, [[9, 21], [10, 20]])
    np.testing.assert_array_equal(places[1] + 0.5, [[11, 10], [21, 21]])
    np.testing.assert_array_equal(np.diff(found[0, :14, :14], axis=0), 1)


def test_the_attention_of_rcn_a_is_the_mean_of_stretched_maps():
    rng = np.random.default_rng(0)
    features, weights = rng.random((2, 4, 5, 5)), rng.normal(size=(3, 100))
    expected = np.zeros((2, 1, 5, 5))
    for n in range(2):
        for k in range(3):
            total = sum(features[n, c] * weights[k].reshape(4, 5, 5)[c] for c in range(4))
            expected[n, 0] += (total - total.min()) / (total.max() - total.min()) / 3
    found = attention(torch.from_numpy(features), torch.from_numpy(weights))
    np.testing.assert_allclose(found, expected)
    still = attention(torch.zeros(1, 4, 5, 5), torch.from_numpy(weights).float())
    assert not still.any()  # not 0 / 0


def test_mmnet_moves_vectors_with_the_face():
    """Flow to the right on the left half: mirrored, it is to the left on the right half."""
    x = torch.zeros(400, 3, 32, 32)
    x[:, 0, :, :16] = 1.0
    torch.manual_seed(0)
    mmnet = METHODS["mmnet"].build(side=32)
    found = mmnet.moved(x, *mmnet.draw(len(x)))[:, 0]
    left, right = found[:, 8:24, 6:10].mean(dim=(1, 2)), found[:, 8:24, 22:26].mean(dim=(1, 2))
    mirrored = right < -0.5
    assert 150 < mirrored.sum() < 250
    assert (left[mirrored].abs() < 0.2).all() and (left[~mirrored] > 0.8).all()
    assert (found[:, 0] == 0).all(dim=1).any()  # shifted down, zeros come in
    assert found.abs().max() <= 1 + 1e-5  # turned at most, not longer


def test_the_narrow_mmnet_takes_sides_that_its_layers_allow():
    with pytest.raises(ValueError, match="side=60: expected .* a multiple of 16"):
        METHODS["mmnet"].build(side=60, width=0.01).fit(*easy("apex_flow", 6))


def test_the_source_of_kfc_mer_flattens_into_51_million_weights():
    # 2 streams of 512 maps of 14x14 into 256, instead of one number a map
    assert weights("kfc-mer") - weights("kfc-mer-pooled") == 2 * 512 * (14 * 14 - 1) * 256


def test_every_network_has_quick_settings():
    assert set(QUICK) == set(NETWORKS)


@pytest.mark.parametrize("name", [name for name in NETWORKS if not name.endswith("-changes")])
def test_a_network_overfits_eight_clips_and_knows_new_ones(name):
    method = METHODS[name]
    classifier = method.build(**QUICK[name], random_state=1)
    X, y = easy(method.view, 32)
    few = classifier.fit(X[:8], y[:8])
    assert (few.predict(X[:8]) == y[:8]).all(), few.loss_
    fitted = classifier.set_params(epochs=QUICK[name]["epochs"] // 2).fit(X[:20], y[:20])
    right = (fitted.predict(X[20:]) == y[20:]).mean()
    assert right > 0.6  # the majority class: 1/3
    assert fitted.loss_[-1] < fitted.loss_[0]


@pytest.mark.parametrize("name", ["ststnet", "cnn-lstm"])
def test_same_seed_same_answers_whoever_the_neighbours_are(name):
    method = METHODS[name]
    X, y = easy(method.view, 9)
    classifier = method.build(**QUICK[name] | {"epochs": 2}, random_state=3)
    first = classifier.fit(X, y).predict_proba(X)
    torch.manual_seed(99)
    again = classifier.fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), first)
    np.testing.assert_array_equal(again.predict_proba(X[4:5])[0], first[4])
    other = classifier.set_params(random_state=4).fit(X, y)
    assert not np.array_equal(other.predict_proba(X), first)


@pytest.mark.parametrize("name", ["bi-woof", "ststnet", "lgccon"])
def test_the_left_out_subject_has_no_say(name):
    method = METHODS[name]
    X, y = easy(method.view, 18)
    clips = pd.DataFrame({"clip": [f"{k:02d}" for k in range(18)], "emotion": y})
    clips["subject"] = [f"s{k // 6}" for k in range(18)]
    clips.attrs["classes"] = ("a", "b", "c")
    estimator = method.build(**{"epochs": 2} if name in NETWORKS else {})
    first = loso.fit_fold(estimator, X, clips, "s1")
    mine = (clips["subject"] == "s1").to_numpy()
    other = X.copy()
    other[mine] = 100.0
    second = loso.fit_fold(estimator, other, clips, "s1")
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.parametrize("name", ["ststnet", "cnn-lstm", "lgccon", "elrcn"])
def test_what_is_predicted_after_an_epoch_changes_nothing(name):
    """It is that of a training with fewer epochs; of training in stages it is the last stage."""
    method, seen = METHODS[name], {}
    X, y = easy(method.view, 9)
    classifier = method.build(**QUICK[name] | {"epochs": 3, "batch_size": 4})
    expected = classifier.fit(X, y).predict_proba(X)
    told = classifier.loss_
    classifier.fit(X, y, lambda epoch, fitted: seen.update({epoch: fitted.predict_proba(X)}))
    assert list(seen) == [1, 2, 3] and classifier.loss_ == told
    np.testing.assert_array_equal(seen[3], expected)
    np.testing.assert_array_equal(classifier.predict_proba(X), expected)
    if name == "ststnet":
        short = classifier.set_params(epochs=2).fit(X, y)
        np.testing.assert_array_equal(short.predict_proba(X), seen[2])


def test_ststnet_takes_pictures_as_they_are_and_its_streams_are_one_convolution():
    """Each published stream, with its filters of ours, gives the same features."""
    X, y = easy("apex_picture", 9)
    fitted = METHODS["ststnet"].build(epochs=1).fit(X, y)
    conv, _, norm, *_, last = fitted.network_
    first, features = 0, []
    for filters in STREAMS:
        mine = slice(first, first := first + filters)
        maps = functional.conv2d(torch.from_numpy(X), conv.weight[mine], conv.bias[mine], padding=2)
        running = norm.running_mean[mine], norm.running_var[mine]
        scale = norm.weight[mine], norm.bias[mine]
        maps = functional.batch_norm(maps.relu(), *running, *scale)
        features.append(functional.max_pool2d(maps, 3, 3, padding=1))
    logits = last(functional.avg_pool2d(torch.cat(features, dim=1), 2).flatten(1))
    expected = logits.softmax(dim=1).detach().numpy()
    np.testing.assert_allclose(fitted.predict_proba(X), expected, atol=1e-5)


def test_bad_input_to_a_network_is_named():
    X, y = easy("apex_flow", 6)
    network = make("ststnet", LAPTOP)
    with pytest.raises(ValueError, match="expected one label for each of 6 clips"):
        network.fit(X, y[:4])
    with pytest.raises(ValueError, match="only 1 class, 'a'"):
        network.fit(X, np.repeat("a", 6))
    X[2, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        network.fit(X, y)


# Parts of the face


def test_the_parts_lie_where_the_face_is():
    """A bright spot in the middle of a part is seen by its mask and by its crop, most of all."""
    side = 56
    places = in_crop().numpy()
    assert len(COMPONENTS) == 10
    for k, (x, y, _, _) in enumerate(places):
        maps = torch.zeros(1, 1, side, side)
        column, row = int(x * side), min(int(y * side), side - 1)
        maps[0, 0, row, column] = 1.0
        seen = (masks(side) * maps[0]).sum(dim=(1, 2))
        assert seen.argmax() == k
    ramp = (torch.arange(side) + 0.5).expand(1, 1, side, side) / side
    found = crops(ramp, 3)[0, :, 0]
    np.testing.assert_allclose(found[:, 1, 1], places[:, 0], atol=0.02)
    np.testing.assert_allclose(crops(ramp.mT, 3)[0, :, 0, 1, 1], places[:, 1].clip(0, 1), atol=0.03)


# Registry


def test_every_method_has_a_view_and_names_what_is_narrow():
    from merlib.methods.views import VIEWS

    for name, method in METHODS.items():
        assert method.view is None or method.view in VIEWS, name
        full, narrow = make(name, Config()), make(name, LAPTOP)
        if name not in ("base", "mfem", "mffm", "full"):
            changed = {
                key for key, value in narrow.get_params().items() if value != full.get_params()[key]
            }
            assert changed == set(method.parameters(LAPTOP))
            assert not method.parameters(Config())
