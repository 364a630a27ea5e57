"""What the page on the protocol says of known mistakes, against numbers that are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from merlib.pages import protocol
from merlib.study import mistakes


def scored(seeds=6):
    """Scores of three kinds of labels: the last leak adds 30 points, the others next to nothing."""
    rng = np.random.default_rng(0)
    keys = [(kind, seed) for kind in mistakes.KINDS for seed in range(seeds)]
    index = pd.MultiIndex.from_tuples(keys, names=["labels", "seed"])
    honest = pd.Series(rng.normal(0.3, 0.02, len(index)), index)
    table = pd.DataFrame({name: honest for name in ("honest", *mistakes.MISTAKES)})
    table[list(mistakes.MISTAKES)] += rng.normal(0, 0.002, (len(index), len(mistakes.MISTAKES)))
    table["copy, by clip"] += rng.normal(0.3, 0.02, len(index))
    table["random clips"] += rng.normal(0.02, 0.3, len(index))
    return table


def answers_of(seeds):
    """Answers of a network to 60 clips of 10 people, after two epochs: the first one is better."""
    clip = np.arange(60)
    subject, right = clip % 10, {1: clip % 7 != 0, 2: clip % 3 != 0}
    label = np.array(["a", "b", "c"])[clip // 20]
    runs = {}
    for seed in range(seeds):
        lucky = np.random.default_rng(seed).random(60) < 0.05
        tables = []
        for epoch, known in right.items():
            answer = np.where(known | lucky, label, "a")
            columns = {f"p_{name}": (answer == name).astype(float) for name in "abc"}
            table = {"clip": clip, "subject": subject, "label": label, "epoch": epoch} | columns
            tables.append(pd.DataFrame(table))
        runs[seed] = pd.concat(tables, ignore_index=True)
    return runs


def test_a_mistake_is_judged_by_the_mean_over_seeds():
    answers = protocol.judged(scored())
    assert len(answers) == len(mistakes.KINDS) * len(mistakes.MISTAKES)
    line = answers.loc["shuffled: copy, by clip"]
    gains = scored().loc["shuffled"].eval("`copy, by clip` - honest")
    known = ttest_1samp(gains, 0)
    assert line["value"] == pytest.approx(gains.mean()) and line["p"] == pytest.approx(known.pvalue)
    assert (line["low"], line["high"]) == pytest.approx(tuple(known.confidence_interval()))
    own = protocol.of_kind(answers, "shuffled")["answer"]
    assert own["copy, by clip"] == "raises" and own["random clips"] == "cannot be told"
    assert set(own.drop(["copy, by clip", "random clips"])) == {"under 5 points"}


def test_the_words_name_every_mistake_once():
    told = protocol.plain(protocol.of_kind(protocol.judged(scored()), "true"))
    assert told.startswith("it is shown that UF1 is raised by “copy, by clip” (+")
    assert "; what cannot be told: “random clips” (" in told
    assert "changes by under 5 points: “best epoch”" in told
    assert all(told.count(f"“{name}” (") == 1 for name in mistakes.MISTAKES)


def test_the_answer_of_the_page():
    answers, runs = protocol.judged(scored()), answers_of(3)
    first, largest, best = protocol.answered(answers, protocol.of_network(runs), "a network")
    assert "1 of 5 leaks are shown to raise" in first and "“copy, by clip”" in largest
    assert best.endswith("same answers (raises).")
    alone = protocol.judged(scored(1))
    first, _, best = protocol.answered(alone, protocol.of_network(answers_of(1)), "a network")
    assert first.startswith("One seed cannot show") and best.endswith("(one seed).")
    assert protocol.smallest_seen(alone) == "" and "80 %" in protocol.smallest_seen(answers)


def test_every_name_that_pages_show_translated_is_marked():
    assert set(protocol.NAMES) == {"honest", *mistakes.MISTAKES, *mistakes.KINDS}


def test_the_table_of_verdicts_has_each_change_on_the_colour_of_its_answer():
    answers = protocol.judged(scored())
    columns = {kind: protocol.of_kind(answers, kind) for kind in mistakes.KINDS}
    columns["network"] = protocol.of_network(answers_of(1)).loc[["best epoch"]]
    figure = protocol.verdicts(columns)
    (axes,) = figure.axes
    assert len(axes.texts) == len(axes.patches) == len(answers) + 1
    line = answers.loc["true: copy, by clip"]
    row = list(mistakes.MISTAKES).index("copy, by clip")
    (text,) = [one for one in axes.texts if one.get_position() == (0, row)]
    assert text.get_text() == f"{100 * line['value']:+.1f}"
    (legend,) = figure.legends
    keys = {one.get_text() for one in legend.get_texts()}
    assert keys == {"raises", "under 5 points", "cannot be told", "one seed"}


def test_each_mistake_stands_beside_every_sentence_that_it_breaks():
    _, alt = protocol.sentences()
    for case in mistakes.MISTAKES.values():
        assert set(case.breaks) <= {1, 2, 3, 4}
    assert "Take the last epoch: best epoch;" in alt and alt.count("copy, by clip") == 2
    assert len(protocol.SENTENCES) == 4
