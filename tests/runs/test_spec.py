import json
from dataclasses import replace

import pytest

from mipp_core.augmentation import Augmentation
from mipp_core.command_line.parser import build_parser
from mipp_core.command_line.reading import grid_of
from mipp_core.errors import ModelError, SettingError, UnknownNameError
from mipp_core.pruners import PRUNERS, Magnitude, Mipp
from mipp_core.pruners.imp import Imp
from mipp_core.pruners.snip import Snip
from mipp_core.pruners.thinet import ThiNet
from mipp_core.reports.archive import command_of
from mipp_core.runs import NetworkSpec, RunSpec
from mipp_core.training import RECIPES, Recipe


def test_hashes_are_stable():
    """Golden: a change here orphans every stored run."""
    assert RunSpec().hash == "1586af765a9a36ff"
    assert RunSpec(network=NetworkSpec(seed=3)).hash == "a8228c17e3885023"
    assert RunSpec(settings=Mipp(pixels=True), controls=("random",)).hash == "40537b1e25fadb9f"


def test_hash_depends_on_every_setting():
    specs = [
        RunSpec(),
        RunSpec(trained=False),
        RunSpec(network=NetworkSpec(deformation=0.5)),
        RunSpec(network=NetworkSpec(dataset="mnist")),
        RunSpec(network=NetworkSpec(mean=(0.1,), std=(0.3,))),
        RunSpec(network=NetworkSpec(mean=(0.1,), std=(0.2,))),
        RunSpec(settings=Mipp(budget=0.01)),
        RunSpec(retraining=Recipe(3)),
        RunSpec(controls=("random",)),
        RunSpec(confidences=(0.9,)),
        RunSpec(measured=(0, 3)),
        RunSpec(sparsities=(0.5,)),
        RunSpec(pruner="snip", settings=Snip()),
        RunSpec(pruner="snip", settings=Snip(), follow=Mipp()),
        RunSpec(pruner="snip", settings=Snip(), scope="layer"),
        RunSpec(pruner="snip", settings=Snip(), floor=1),
    ]
    assert len({spec.hash for spec in specs}) == len(specs)


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec(),
        RunSpec(NetworkSpec("mlp", "fashion-mnist", (7, 3), 0.3, Recipe(4, milestones=(1, 2)), 9), False),
        RunSpec(pruner="magnitude", settings=Magnitude("l2"), controls=("scratch",), retrain_controls=True),
        RunSpec(confidences=(0.5, 0.9), settings=Mipp(hidden=(8, 4))),
        RunSpec(pruner="snip", settings=Snip(form="gates"), follow=Mipp(hidden=(8,)), measured=(0, 9), floor=1),
        RunSpec(pruner="imp", settings=Imp(), sparsities=(0.25, 0.5), scope="global"),
        RunSpec(NetworkSpec("resnet20", "cifar10", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))),
        RunSpec(NetworkSpec(recipe=RECIPES["paper-cifar100"]), retraining=RECIPES["paper-imagenet-retrain"]),
    ],
)
def test_survives_json(spec):
    assert RunSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_bad_values_are_refused():
    with pytest.raises(UnknownNameError, match="lenet5, mlp"):
        NetworkSpec(model="alexnet")
    with pytest.raises(UnknownNameError, match="mnist-sample"):
        NetworkSpec(dataset="cifar")
    with pytest.raises(SettingError, match="seed -1"):
        NetworkSpec(seed=-1)
    with pytest.raises(SettingError, match="strength"):
        NetworkSpec(deformation=1.5)
    with pytest.raises(ModelError, match="widths"):
        NetworkSpec(widths=(1, 2))
    with pytest.raises(UnknownNameError, match="random, magnitude, scratch"):
        RunSpec(controls=("luck",))
    with pytest.raises(UnknownNameError, match="mipp, mipp-closed-form, random"):
        RunSpec(pruner="axe")
    with pytest.raises(SettingError, match="cannot be read"):
        RunSpec.from_json({"pruner": "mipp"})


def test_command_reproduces_the_spec():
    spec = RunSpec(
        NetworkSpec("mlp", "mnist", (20, 10), 0.5, RECIPES["short"], 4),
        trained=False,
        settings=Mipp(pixels=True, hidden=(64,), reference="current"),
        retraining=RECIPES["short"],
        controls=("random",),
        confidences=(0.5, 0.9375),
    )
    words = command_of(spec).replace("'", "").split()[3:]
    assert grid_of(build_parser().parse_args(words)).cells() == [spec]


def test_unnamed_recipe_has_no_command():
    with pytest.raises(ModelError, match="has no name"):
        command_of(replace(RunSpec(), retraining=Recipe(77)))
    with pytest.raises(ModelError, match="not the schedule's"):
        command_of(RunSpec(confidences=(0.9,)))


@pytest.mark.parametrize(
    "spec",
    [
        RunSpec(pruner="snip", settings=Snip(samples=100), follow=Mipp(members=5), measured=(1, 3), floor=1),
        RunSpec(pruner="magnitude", settings=Magnitude("l2"), scope="layer", sparsities=(0.25, 0.9)),
        RunSpec(sparsities=(0.5, 0.75), measured=(1,)),
        RunSpec(NetworkSpec("resnet20", "cifar10", mean=(-0.5, 0.485, 0.406), std=(0.229, 0.224, 1.5))),
    ],
)
def test_the_command_of_a_run_at_given_ratios_makes_it_again(spec):
    words = command_of(spec).replace("'", "").split()[3:]
    assert grid_of(build_parser().parse_args(words)).cells() == [spec]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"pruner": "snip"}, "not those of snip"),
        ({"follow": Mipp()}, "Only a pruner that ranks"),
        ({"scope": "layer"}, "finds its own ratios"),
        ({"floor": 1}, "finds its own ratios"),
        ({"sparsities": (1.5,)}, "not all in"),
        ({"sparsities": ()}, "not all in"),
        ({"sparsities": (0.5,), "confidences": (0.5,)}, "not both"),
        ({"measured": (20,)}, "it has 0 to 19"),
        ({"measured": ()}, "it has 0 to 19"),
        ({"measured": (1,), "sparsities": (0.5,)}, "it has 0 to 0"),
        ({"pruner": "imp", "settings": Imp(), "trained": False}, "cannot prune it at initialisation"),
        ({"pruner": "thinet", "settings": ThiNet(), "scope": "global"}, "choose layer"),
        ({"pruner": "snip", "settings": Snip(), "floor": -1}, "at least 0 units"),
        ({"pruner": "snip", "settings": Snip(), "sparsities": (0.5,), "follow": Mipp()}, "no sparsities of its own"),
    ],
)
def test_ratios_that_make_no_sense_are_refused(changed, words):
    with pytest.raises(SettingError, match=words):
        RunSpec(**changed)


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        ((0.1, 0.2), (0.3, 0.3), "The mean has 2 numbers and the images have 1 channels; give one number per channel"),
        ((0.1,), (0.3, 0.3), "The std has 2 numbers"),
        ((), (), "The mean has 0 numbers"),
        ((0.1,), None, "The mean is given alone; give mean and std, or neither"),
        (None, (0.1,), "The std is given alone"),
        ((float("nan"),), (0.1,), "The mean nan is not finite"),
        ((0.1,), (float("inf"),), "The std inf is not finite"),
        ((0.1,), (0.0,), "The std 0 is not above 0 in every channel"),
        ((0.1,), (-1.0,), "The std -1 is not above 0"),
        (
            (123.7,),
            (58.4,),
            "The mean 123.7 is above 1, .* divide the mean and the std of grey levels from 0 to 255 by",
        ),
    ],
)
def test_statistics_that_make_no_sense_are_refused(mean, std, words):
    with pytest.raises(SettingError, match=words):
        NetworkSpec(mean=mean, std=std)


def test_a_document_of_before_statistics_could_be_given_is_read_and_has_its_name():
    old = RunSpec().to_json()
    del old["network"]["mean"], old["network"]["std"]
    assert RunSpec.from_json(old) == RunSpec()
    assert RunSpec.from_json(old).hash == "1586af765a9a36ff"


def test_a_document_of_before_ratios_could_be_given_is_read():
    old = RunSpec().to_json()
    for name in ("sparsities", "follow", "scope", "floor", "measured"):
        del old[name]
    assert RunSpec.from_json(old) == RunSpec()


def test_a_document_of_before_images_could_be_augmented_is_read():
    old = RunSpec().to_json()
    del old["retraining"]["augmentation"], old["network"]["recipe"]["augmentation"]
    assert RunSpec.from_json(old) == RunSpec()


def test_every_augmentation_is_another_run_and_an_unknown_one_is_refused():
    changes = [None, Augmentation(padding=4), Augmentation(flip=True), Augmentation(cutout=8), Augmentation(mixup=True)]
    assert len({RunSpec(retraining=Recipe(3, augmentation=change)).hash for change in changes}) == len(changes)
    document = RunSpec().to_json()
    document["retraining"]["augmentation"] = {"colour": 1}
    with pytest.raises(SettingError, match=r"cannot be read \(.*colour.*\); make it again"):
        RunSpec.from_json(document)


@pytest.mark.parametrize("name", PRUNERS)
def test_settings_belong_to_the_pruner(name):
    assert RunSpec(pruner=name, settings=PRUNERS[name]()).hash
