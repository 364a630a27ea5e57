"""What a page asks about where maps look: the maps themselves, tables of them, differences."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import TINY

from merlib.config import Config
from merlib.model import explain
from merlib.model.network import Network
from merlib.store import Saved
from merlib.study import regions

SIZE = 32


@pytest.fixture(scope="module")
def clips():
    """Three clips (N, T, C, S, S)."""
    return np.random.default_rng(0).standard_normal((3, 3, 3, SIZE, SIZE)).astype(np.float32)


def network(**fields):
    torch.manual_seed(0)
    return Network(3, Config(**TINY | fields)).eval()


def test_the_maps_are_means_over_channels_of_what_the_module_computes(clips):
    """By hooks: what enters and leaves MFEM, and the looks of its branches at what enters it."""
    net, seen = network(), {}
    for stage, module in enumerate(net.mfem, 1):
        module.register_forward_hook(
            lambda module, x, out, stage=stage: seen.update({stage: (module, *x, out)})
        )
    with torch.no_grad():
        net(torch.tensor(clips[:, -1:]))
        expected = {
            stage: {"before": x, "sum": out}
            | {"primary": first + third, "complementary": second + fourth}
            for stage, (module, x, out) in seen.items()
            for first, second, third, fourth in [module.terms(x)]
        }
    found = regions.maps(net, clips)
    assert list(found) == list(expected) == [1, 2, 3, 4]
    for stage, here in found.items():
        assert list(here) == list(regions.MAPS)
        for name, values in here.items():
            np.testing.assert_allclose(values, expected[stage][name].mean(dim=1), atol=1e-6)
        assert not np.allclose(here["primary"], here["complementary"])


@pytest.mark.parametrize("branches", ["first", "second", "serial"])
def test_every_choice_of_branches_has_all_maps(clips, branches):
    net = network(mfem_branches=branches)
    looks = explain.attention(net, clips[:, -1:].copy())
    for stage, here in regions.maps(net, clips).items():
        assert list(here) == list(regions.MAPS)
        for name, parts in (("primary", "x_c1"), ("complementary", "x_c2s")):
            given = [looks[stage][parts]]
            given += [looks[stage][f"{parts}_branch2"]] if branches == "serial" else []
            np.testing.assert_allclose(here[name], sum(given)[:, 0], atol=1e-6)


def test_the_maps_are_those_of_the_apex(clips):
    net, other = network(), clips.copy()
    other[:, :-1] = 0
    one, two = regions.maps(net, clips), regions.maps(net, other)
    for stage, here in one.items():
        for name, values in here.items():
            np.testing.assert_array_equal(values, two[stage][name])


def test_a_control_has_maps_before_and_after_only(clips):
    assert {tuple(here) for here in regions.maps(network(attention="none"), clips).values()} == {
        ("before", "sum")
    }


def test_what_stands_out_of_a_map_is_counted_above_its_median():
    """A map with an offset has little of its energy in the region, and all of what stands out."""
    region = np.zeros((8, 8), bool)
    region[3:5, 3:5] = True
    values = np.full((8, 8), 10.0)
    values[region] = 12.0
    assert regions.look(values, [region])["energy"] == pytest.approx(48 / 648)
    assert regions.raised(values, [region]) == 1
    values[2, 3] = 14.0  # as much as two places of the region
    assert regions.raised(values, [region]) == pytest.approx(8 / 12)
    values[0, 0] = 99.0  # a corner: the background
    assert regions.raised(values, [region]) == pytest.approx(8 / 12)
    face = regions.of_face(8)
    assert 20 < face.sum() < 50 and not face[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    flat = regions.raised(np.ones((8, 8)), [region])  # as by chance
    assert flat == regions.by_chance([region]) == 4 / face.sum()


def test_measurements_of_before_a_measure_was_there_are_readable(tmp_path):
    saved, rng = Saved(tmp_path), np.random.default_rng(0)
    table = looks(rng, seeds=(0,)).drop(columns=["seed", "raised", "chance"])
    saved.save({"trial": "full", "method": "full", "seed": 0}, regions=table)
    found = regions.measured(saved)
    assert found["raised"].isna().all() and found["energy"].notna().all()
    assert regions.difference(found, found, "raised") is None


def test_maps_that_see_nothing_score_by_chance_or_by_where_regions_usually_are():
    known, size = {}, 32
    for k in range(6):
        region = np.zeros((size, size), bool)
        region[18:26, 8 + k : 16 + k] = True
        known[f"c{k}"] = [region]
    found = regions.blind(known, size)
    assert list(found) == list(regions.MEASURES) and set(found.index.names) == {"map", "stage"}
    often = np.mean([region for (region,) in known.values()], axis=0)
    for stage, side in zip(regions.STAGES, (8, 4, 2, 1), strict=True):
        squares = often.reshape(side, size // side, side, -1).mean(axis=(1, 3))
        for measure in ("raised", "energy", "pointing"):
            each = [
                {"raised": regions.raised(squares, own)} | regions.look(squares, own)
                for own in known.values()
            ]
            expected = np.mean([one[measure] for one in each])
            assert found.loc[("usual places", stage), measure] == pytest.approx(expected, abs=1e-6)
    chance = regions.by_chance(known["c0"])
    assert found.loc[("random map", 1), "raised"] == pytest.approx(chance, abs=0.05)
    assert found.loc[("usual places", 1), "raised"] > 2 * chance


# Tables


def test_two_looks_are_compared_clip_by_clip():
    rng = np.random.default_rng(0)
    one, two = rng.random((2, 4, 4, 4))
    two[3] = 0.5  # flat: it has no correlation
    found = regions.overlap({2: {"primary": one, "complementary": two}}, 20)
    assert found.index.to_list() == [2] and found.loc[2, "places a side"] == "4"
    expected = np.mean([np.corrcoef(one[k].ravel(), two[k].ravel())[0, 1] for k in range(3)])
    assert found.loc[2, "correlation"] == pytest.approx(expected)
    tops = [[set(np.flatnonzero(regions.highest(v, 20))) for v in some] for some in (one, two)]
    expected = np.mean([len(a & b) / len(a) for a, b in zip(*tops, strict=True)])
    assert found.loc[2, "highest tenth in common"] == pytest.approx(expected)
    same = regions.overlap({1: {"primary": one, "complementary": 3 * one}}, 20).loc[1]
    assert same["correlation"] == pytest.approx(1) and same["highest tenth in common"] == 1


def looks(rng, seeds=(0, 1), people=4):
    """Measurements of clips with one to three regions."""
    rows = [
        {"clip": f"{person}/{number}", "subject": f"s{person}", "stage": stage, "map": name}
        | {"pointing": rng.random(), "energy": rng.random(), "area": 0.2, "seed": seed}
        | {"covered": float(rng.integers(0, number + 1)), "regions": float(number)}
        | {"raised": rng.random(), "chance": 0.2}
        for person in range(people)
        for number in (1, 2, 3)
        for stage in (1, 2)
        for name in regions.MAPS
        for seed in seeds
    ]
    return pd.DataFrame(rows)


def test_what_is_saved_comes_back_with_shares_of_several(tmp_path):
    rng, saved, tables = np.random.default_rng(0), Saved(tmp_path), {}
    for name, seed in (("full", 0), ("full", 1), ("cbam", 0)):
        tables[name, seed] = looks(rng, seeds=(seed,)).drop(columns="seed")
        saved.save({"trial": name, "method": "full", "seed": seed}, regions=tables[name, seed])
    found = regions.measured(saved)
    assert len(found) == sum(map(len, tables.values()))
    for (name, seed), table in tables.items():
        some = found[(found["name"] == name) & (found["seed"] == seed)]
        columns = regions.COLUMNS
        assert some[columns].reset_index(drop=True).equals(table[columns])
        for share, covered, number in some[["share", "covered", "regions"]].to_numpy():
            assert np.isnan(share) if number == 1 else share == covered / number


def test_without_anything_saved_there_are_columns_and_no_rows(tmp_path):
    found = regions.measured(Saved(tmp_path))
    assert not len(found) and {"name", "seed", "share", *regions.COLUMNS} <= set(found)
    assert regions.difference(found, found, "energy") is None


def test_covered_regions_are_counted_by_how_many_a_clip_has():
    table = looks(np.random.default_rng(1))
    found = regions.by_number(table)
    assert found.index.to_list() == [1, 2, 3] and (found["clips"] == 4).all()
    for number in (1, 2, 3):
        some = table[table["regions"] == number]
        values = {name: list(rows["covered"]) for name, rows in some.groupby("map")}
        for name in regions.MAPS:
            assert found.loc[number, name] == pytest.approx(np.mean(values[name]))
        pairs = list(zip(values["primary"], values["complementary"], strict=True))
        least, most = (
            np.mean([max(p) for p in pairs]),
            np.mean([min(sum(p), number) for p in pairs]),
        )
        assert found.loc[number, "together, at least"] == pytest.approx(least)
        assert found.loc[number, "together, at most"] == pytest.approx(most)


def test_chance_in_training_is_pooled_over_trials():
    """Trial a has two seeds, 2 apart, trial b has three; trial c has one, which tells nothing."""
    means = {("a", 0): 1.0, ("a", 1): 3.0, ("b", 0): 0.0, ("b", 1): 3.0, ("b", 2): 3.0, ("c", 0): 9}
    rows = [
        {"name": name, "seed": seed, "energy": mean + off}
        for (name, seed), mean in means.items()
        for off in (-1, 1, np.nan)
    ]
    found = regions.chance_in_training(pd.DataFrame(rows), "energy")
    assert found.degrees == 3 and found.variance == pytest.approx(2 * (2 + 6) / 3)
    alone = pd.DataFrame([row for row in rows if row["seed"] == 0])
    assert regions.chance_in_training(alone, "energy") is None


def test_a_difference_is_paired_by_clip_stage_and_seed():
    rng = np.random.default_rng(2)
    one, other = looks(rng, people=9), looks(rng, seeds=(1, 2), people=9)
    one, other = (table[table["map"] == "sum"] for table in (one, other))
    found = regions.difference(one, other.sample(frac=1, random_state=0), "energy")
    both = one[one["seed"] == 1]
    expected = both["energy"].to_numpy() - other[other["seed"] == 1]["energy"].to_numpy()
    assert found.seeds == {1: pytest.approx(expected.mean())}
    assert found.value == pytest.approx(expected.mean()) and found.low < found.value < found.high
    # Each person has as many clips: the mean over drawn people has the variance of any mean.
    people = pd.Series(expected).groupby(both["subject"].to_numpy()).mean()
    assert (found.high - found.value) / 2.306 == pytest.approx(people.std(ddof=0) / 3, rel=0.06)
