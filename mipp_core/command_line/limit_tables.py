"""The experiments of No Free Prune as lines of text."""

from collections.abc import Callable, Mapping
from statistics import fmean
from types import MappingProxyType
from typing import Any


def _memorisation(document: dict[str, Any]) -> list[str]:
    sparsities = document["setting"]["sparsities"]
    shares = {(row["pruner"], row["sparsity"]): row["memorised"] for row in document["rows"]}
    lines = [f"{'share that memorises':20}" + "".join(f" {each:>7.1%}" for each in sparsities)]
    for name in document["setting"]["pruners"]:
        lines.append(f"{name:20}" + "".join(f" {shares[name, each]:>7.2f}" for each in sparsities))
    return lines


def _noise(document: dict[str, Any]) -> list[str]:
    lines = [f"{'round':>5} {'kept':>9} {'pruned':>7} {'correlation at first':>21} {'and at last':>17}"]
    for row in document["rows"]:
        last = f"{row['last']:.3f} ± {row['deviation']:.3f}"
        lines.append(f"{row['round']:>5} {row['kept']:>9} {row['sparsity']:>7.1%} {row['first']:>21.3f} {last:>17}")
    return lines


def _fashion(document: dict[str, Any]) -> list[str]:
    published = document["published"]
    lines = [f"{'pruner':20} {'pruned':>7} {'training accuracy':>18} {'published':>10}"]
    for row in document["rows"]:
        known = published["accuracy"] if row["sparsity"] == published["sparsity"] else {}
        there = f"{known[row['pruner']]:.1%}" if row["pruner"] in known else ""
        found = f"{row['accuracy']:.1%} ± {100 * row['spread']:.1f}"
        lines.append(f"{row['pruner']:20} {row['sparsity']:>7.1%} {found:>18} {there:>10}")
    return [
        *lines,
        f"dense {document['dense']:.1%} of {document['images']:,} images of {document['setting']['dataset']}",
    ]


def _robustness(document: dict[str, Any]) -> list[str]:
    lines = [f"{'pruner':20} {'pruned':>7} {'fit':>5} {'Lipschitz, at least':>20} {'p_eff':>15} {'√(nd/p_eff)':>13}"]
    for row in document["rows"]:
        steep = "" if row["lipschitz"] is None else f"{row['lipschitz']:.2f} ± {row['spread']:.2f}"
        bits, law = ("–".join(dict.fromkeys(f"{end:{form}}" for end in row[key])) for key, form in _ENDS)
        lines.append(f"{row['pruner']:20} {row['sparsity']:>7.1%} {row['fit']:>5.2f} {steep:>20} {bits:>15} {law:>13}")
    return lines


def _units(document: dict[str, Any]) -> list[str]:
    lines = [f"{'pruner':20} {'networks':10} bits at every point, mean over initialisations"]
    for curve in document["curves"]:
        bits = " ".join(f"{fmean(each):.2f}" for each in zip(*curve["bits"], strict=True))
        lines.append(f"{curve['pruner']:20} {curve['start']:10} {bits}")
    return [*lines, f"at most {document['most']:.0f} bits per mask, and {document['ceiling']:.3f} in the data"]


def _masks(document: dict[str, Any]) -> list[str]:
    lines = [
        f"{'pruner':20} {'networks':10} {'other':7} {'in common':>9} {'chance':>7} {'bits, at most':>13} {'weights':>8}"
    ]
    for row in document["rows"]:
        bits = row["bound"] if row["looks"] else 0.0
        shares = f"{row['overlap']:>9.1%} {row['chance']:>7.1%}"
        lines.append(
            f"{row['pruner']:20} {row['start']:10} {row['way']:7} {shares} {bits:>13.0f} {row['weights']:>8,.0f}"
        )
    return [*lines, *(f"{name}: {problem}" for name, problem in document["refused"].items())]


_ENDS = (("p_eff", ",.0f"), ("law", ".2f"))

TABLES: Mapping[str, Callable[[dict[str, Any]], list[str]]] = MappingProxyType(
    {
        "units": _units,
        "memorisation": _memorisation,
        "noise": _noise,
        "fashion": _fashion,
        "robustness": _robustness,
        "masks": _masks,
    }
)
"""A table of every study's document."""
