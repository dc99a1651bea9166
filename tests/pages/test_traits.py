"""The table of Compare that says what pruners look at, can do, and were seen to do."""

import pandas as pd

from pages.compare.traits import traits


def test_what_holds_is_listed_and_what_does_not_is_left_out():
    names = ("data-dependent", "labels", "gradients", "activation-based", "adjacent layer", "at initialisation")
    names += ("own ratio", "structured", "layer-wise ratios", "collapse-resistant")
    blind = dict.fromkeys(names, False) | {"at initialisation": True, "structured": True}
    rows = {"L1": blind, "MIPP": dict.fromkeys(names, True)}
    shares = {"first collapse": [0.65, None], "highest seen": [0.9, 0.88]}
    found = traits(pd.DataFrame(rows).T.assign(**shares))
    assert found.loc["L1"].tolist()[:3] == ["", "start untrained", "structured"]
    assert found.loc["MIPP", "Looks at"] == "images, labels, gradients, activations, next layer"
    assert found.loc["MIPP", "Can"] == "start untrained, own ratio"
    assert found["First collapse"].isna().tolist() == [False, True]
