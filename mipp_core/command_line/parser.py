"""The words of the command line."""

from argparse import ArgumentParser
from pathlib import Path

from mipp_core.experiments import CONTROLS


def build_parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = ArgumentParser(prog="python -m mipp_core", description="Mutual Information Preserving Pruning.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in [
        ("models", "list the model families"),
        ("datasets", "list the datasets"),
        ("pruners", "list the pruners and their settings"),
    ]:
        _json(commands.add_parser(name, help=words, description=words))
    _network(commands.add_parser("train", help="train a dense network"))
    prune = commands.add_parser("prune", help="prune a network at one confidence and retrain it")
    _pruning(prune)
    prune.add_argument("--confidence", type=float, required=True, help="x in [0.5, 1): higher prunes more")
    sweep = commands.add_parser("sweep", help="prune at the paper's 20 confidence levels")
    _pruning(sweep)
    return parser


def _json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def _network(parser: ArgumentParser) -> None:
    _json(parser)
    parser.add_argument("--model", default="lenet5", help="see: models")
    parser.add_argument("--dataset", default="mnist-sample", help="see: datasets")
    parser.add_argument("--widths", help="units of each prunable layer, as 6,16,120,84")
    parser.add_argument("--deformation", type=float, default=0.0, metavar="S", help="deform the images, 0 to 1")
    parser.add_argument("--recipe", default="live", help="how the dense network is trained")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, mps")
    parser.add_argument("--data-dir", type=Path, help="where datasets are downloaded to (or MIPP_DATA)")
    parser.add_argument("--store", type=Path, help="where trained networks are kept (or MIPP_STORE)")
    parser.add_argument("--save-dir", type=Path, help="write the results as files here")


def _pruning(parser: ArgumentParser) -> None:
    _network(parser)
    parser.add_argument("--untrained", action="store_true", help="prune the network at initialisation")
    parser.add_argument("--pruner", default="mipp", help="see: pruners")
    parser.add_argument("--pixels", action="store_true", help="prune the input's pixels too (mipp)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the pruner")
    parser.add_argument("--retrain-recipe", help="how pruned networks are retrained; none = not at all")
    parser.add_argument("--controls", default="", help=f"compare with: {', '.join(CONTROLS)}")
    parser.add_argument("--retrain-controls", action="store_true", help="retrain the controls too")
