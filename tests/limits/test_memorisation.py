import json
from dataclasses import replace
from math import log

import pytest
import torch
from torch.nn import functional

from benchmarks.batched_mlps import model_of
from mipp_core.command_line import main
from mipp_core.errors import CancelledError, SettingError, UnknownNameError
from mipp_core.limits.memorisation import FULL, MEMORISED, SMALL, Memorisation, measure, random_points
from mipp_core.limits.mlp_masks import MASKS
from mipp_core.limits.mlps import drawn

TINY = Memorisation(seeds=4, points=8, features=5, width=12, epochs=60, sparsities=(0.5, 0.9))


def test_points_are_random_and_each_seed_has_its_own():
    before = torch.get_rng_state()
    points, fewer = random_points(TINY), random_points(replace(TINY, seeds=2))
    assert points.inputs.shape == (4, 8, 5) and set(points.wanted.flatten().tolist()) == {-1.0, 1.0}
    assert torch.equal(points.inputs[:2], fewer.inputs) and torch.equal(points.wanted[:2], fewer.wanted)
    assert not torch.equal(points.inputs[0], points.inputs[1])
    assert torch.equal(torch.get_rng_state(), before)


def test_dense_networks_memorise_as_torchs_own_do():
    how = replace(TINY, pruners=("random",), sparsities=(0.0,))
    (row,), shares = measure(how)["rows"], []
    for seed, (inputs, labels) in enumerate(zip(random_points(how).inputs, random_points(how).wanted, strict=True)):
        model = model_of(drawn(how.sizes, (seed,)), 0)
        optimiser = torch.optim.Adam(model.parameters(), how.rate)
        for _ in range(how.epochs):
            optimiser.zero_grad()
            functional.soft_margin_loss(model(inputs).squeeze(1), labels).backward()
            optimiser.step()
        shares.append(functional.soft_margin_loss(model(inputs).squeeze(1), labels).item())
    assert row["memorised"] == sum(loss < log(2) / 10 for loss in shares) / 4
    assert row["loss"] == pytest.approx(sum(shares) / 4, abs=1e-5)
    assert log(2) / 10 == MEMORISED


def test_a_study_has_a_row_per_pruner_and_sparsity_and_is_plain_json():
    found = measure(TINY)
    assert [(row["pruner"], row["sparsity"]) for row in found["rows"]] == [(n, s) for n in MASKS for s in (0.5, 0.9)]
    assert found["weights"] == 5 * 12 + 12 * 12 + 12
    assert {row["kept"] for row in found["rows"]} == {108, 22}
    assert all(0 <= row["memorised"] <= 1 and row["loss"] > 0 for row in found["rows"])
    assert json.loads(json.dumps(found, allow_nan=False))["setting"]["seeds"] == 4
    again = measure(TINY)
    assert again["rows"] == found["rows"]


def test_masks_that_look_at_training_memorise_where_random_ones_do_not():
    """The paper's ordering at its 96%, on few seeds."""
    found = measure(replace(FULL, seeds=10, sparsities=(0.96,), pruners=("imp", "synflow", "snip", "random")))
    shares = {row["pruner"]: row["memorised"] for row in found["rows"]}
    assert shares["imp"] >= shares["synflow"] > shares["snip"] > shares["random"]


def test_progress_grows_to_one_and_may_stop_the_study():
    shares = []
    measure(TINY, lambda progress: shares.append(progress.done))
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)

    def stop(progress):
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        measure(SMALL, stop)


def test_bad_values_are_refused():
    with pytest.raises(SettingError, match="0 seeds; give 1 to 1000"):
        replace(SMALL, seeds=0)
    with pytest.raises(SettingError, match="2000 width; give 1 to 1000"):
        replace(SMALL, width=2000)
    with pytest.raises(UnknownNameError, match="axe"):
        replace(SMALL, pruners=("axe",))
    with pytest.raises(SettingError, match=r"sparsity 1\.5"):
        replace(SMALL, sparsities=(1.5,))


def test_the_command_prints_saves_and_refuses(capsys, tmp_path):
    words = ["limits", "memorisation", "--seeds", "2"]
    assert main([*words, "--json", "--save", str(tmp_path / "found.json")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["study"] == "memorisation" and printed["setting"]["seeds"] == 2
    assert json.loads((tmp_path / "found.json").read_text()) == printed
    assert main([*words[:2], "--seeds", "0"]) == 2
    assert "0 seeds; give 1 to 1000" in capsys.readouterr().err
    assert main(words) == 0
    assert "synflow" in capsys.readouterr().out
