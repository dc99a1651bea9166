"""The words of the command line."""

from argparse import ArgumentParser
from pathlib import Path

from mipp_core.version import __version__
from mipp_core.vocabulary import CONTROLS, COUNTED


def build_parser() -> ArgumentParser:
    """Return the parser of all commands."""
    parser = ArgumentParser(prog="mipp", description="Mutual Information Preserving Pruning.")
    parser.add_argument("--version", action="version", version=f"mipp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    app = commands.add_parser("app", help="open the app in this machine's browser, on 127.0.0.1")
    app.add_argument("--port", type=int, default=8501)
    _json(app)
    for name, words in [
        ("models", "list the model families"),
        ("datasets", "list the datasets"),
        ("pruners", "list the pruners and their settings"),
    ]:
        _json(commands.add_parser(name, help=words, description=words))
    _inspect(commands.add_parser("inspect", help="say what can be pruned of a network, and what stays whole and why"))
    _network(commands.add_parser("train", help="train a dense network"))
    _prune(commands.add_parser("prune", help="prune a network by one amount and retrain it", description=_AMOUNTS))
    planned = commands.add_parser("plan", help="say what a run will take: samples, memory and time")
    _pruning(planned)
    planned.add_argument("--levels", default="", help="of the schedule, as 0,3,9; all 20 by default")
    ordered = commands.add_parser("cmi", help="order one layer's units by conditional mutual information")
    _pruning(ordered)
    ordered.set_defaults(pruner="cmi")
    ordered.add_argument("--layer", required=True, help="its name, as conv2; inspect lists them")
    _limits(commands.add_parser("limits", help="count the bits of the data that masks carry (No Free Prune)"))
    sweep = commands.add_parser(
        "sweep",
        help="prune at the paper's 20 confidence levels, for one run or any grid of runs",
        description="--model, --dataset, --pruner and --seed take several values, as lenet5,mlp or 0-4; every "
        "combination is a run. What is done already is not run again.",
    )
    _pruning(sweep)
    sweep.add_argument("file", nargs="?", type=Path, metavar="FILE.toml", help="the grid as a file, in place of flags")
    sweep.add_argument("--levels", default="", help="of the schedule, as 0,3,9; all 20 by default")
    sweep.add_argument("--fine", action="store_true", help="confidences between the levels, too: smaller steps")
    sweep.add_argument("--sparsities", default="", help="shares of units to remove, as 0.5,0.9, in place of levels")
    sweep.add_argument("--share-of", default="units", choices=list(COUNTED), help="what --sparsities are shares of")
    sweep.add_argument("--follow", action="store_true", help="pruners that rank remove as many units as MIPP")
    _spread(sweep)
    sweep.add_argument("--measure", default="", help="points of the sweep to cut and retrain, as 0,3,9; all by default")
    sweep.add_argument("--executor", choices=["local", "ray"], help="this machine's workers, or a Ray cluster")
    sweep.add_argument("--devices", help="one worker per device, as cuda:0,cuda:1; all by default (local)")
    sweep.add_argument("--address", default="auto", help="address of the Ray cluster")
    export = commands.add_parser("export", help="write a slim network as files that run without this project")
    _slim(export)
    export.add_argument("--format", default="pt2,onnx", help="pt2, onnx or both")
    export.add_argument("--save-dir", type=Path, help="write the files here; by default beside the network")
    latency = commands.add_parser("latency", help="measure a slim network beside its dense one")
    _slim(latency)
    latency.add_argument("--batches", help="images at a time, as 1,256, which is the default")
    latency.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    latency.add_argument("--seconds", type=float, default=4.0, help="seconds for all measurements together")
    _runs(commands.add_parser("runs", help="what the store holds"))
    worker = commands.add_parser("worker", help="work through the queue on one device")
    worker.add_argument("--device", default="cpu")
    worker.add_argument("--store", type=Path)
    worker.add_argument("--idle", type=float, default=900.0, help="seconds without work after which it ends")
    _json(worker)
    return parser


_AMOUNTS = (
    "How much is one of --confidence, --sparsity, --parameters and --macs. The last three are shares that are REMOVED: "
    "0.3 leaves 70%. --sparsity counts the units of the layers that can be pruned; --parameters and --macs count the "
    "whole network, and the number of units that comes nearest is found."
)

_WEIGHTS = ["retrained", "rebuilt", "recalibrated", "pruned"]


def _limits(parser: ArgumentParser) -> None:
    studies = parser.add_subparsers(dest="what", required=True)
    toy = studies.add_parser("toy", help="every data set of the toy: I(mask; data) exactly, for each pruner")
    toy.add_argument("--pruned", type=int, default=10, help="of its 21 parameters")
    toy.add_argument("--seeds", type=int, default=5, help="initialisations, from 0 on")
    toy.add_argument("--points", type=int, default=6, help="of a data set, 1 to 8")
    toy.add_argument("--epochs", type=int, default=300, help="of gradient descent on all points")
    toy.add_argument("--rate", type=float, default=0.5, help="of learning")
    toy.add_argument("--imp", action="store_true", help="iterative magnitude pruning too, which trains 21 times")
    _json(toy)
    for name, words in [
        ("units", "what masks of MIPP and CMI know of the data, in the toy"),
        ("masks", "how far masks of real pruners agree on other images"),
        ("memorisation", "how many pruned networks memorise random labels"),
        ("noise", "how a network's correlation with label noise falls and climbs while it is pruned"),
        ("fashion", "how well pruned networks fit noisy images"),
        ("robustness", "how steep sparse networks are once they fit noise"),
    ]:
        study = studies.add_parser(name, help=words, description=words)
        study.add_argument(
            "--full", action="store_true", help="the setting that ships, minutes, in place of a few seconds' worth"
        )
        study.add_argument("--seeds", type=int, help="networks, from seed 0 on")
        study.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
        study.add_argument("--save", type=Path, metavar="FILE", help="write the JSON document here, too")
        _json(study)
        if name == "fashion":
            study.add_argument(
                "--dataset", help="see: datasets; mnist-sample, or with --full fashion-mnist, by default"
            )
            study.add_argument("--data-dir", type=Path, help="where datasets are (or MIPP_DATA)")


def _inspect(parser: ArgumentParser) -> None:
    _json(parser)
    parser.add_argument("network", metavar="NETWORK", help="see: models; torchvision:NAME, or PATH.py:FUNCTION")
    parser.add_argument("--dataset", default="", help="whose images the network reads; mnist-sample by default")
    parser.add_argument("--image", default="", metavar="SHAPE", help="in its place: as 3x224x224, or 1x128")
    parser.add_argument("--classes", type=int, help="number of outputs, where the network is built for one")
    parser.add_argument("--widths", help="of the layers or stages that models lists, as 6,16,120,84")


def _prune(parser: ArgumentParser) -> None:
    _pruning(parser)
    parser.add_argument("--confidence", type=float, metavar="X", help="x in [0.5, 1), for MIPP: higher prunes more")
    _shares(parser, "to remove, 0 to 1, as 0.5")
    _spread(parser)
    parser.add_argument(
        "--weights-saved",
        default="retrained",
        choices=_WEIGHTS,
        help="which weights of the slim network --save-dir gets",
    )


def _shares(parser: ArgumentParser, words: str) -> None:
    parser.add_argument("--sparsity", type=float, metavar="X", help=f"share of the units {words}")
    parser.add_argument("--parameters", type=float, metavar="X", help=f"share of the network's parameters {words}")
    parser.add_argument("--macs", type=float, metavar="X", help=f"share of its multiply-accumulates {words}")


def _spread(parser: ArgumentParser) -> None:
    words = "for pruners that rank: the same share of every layer, or all units compared; by default its usual way"
    parser.add_argument("--scope", default="", metavar="layer|global", help=words)
    parser.add_argument("--floor", type=int, default=0, help="for pruners that rank: units that stay in every layer")


def _runs(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    made = {
        name: actions.add_parser(name, help=words, description=words)
        for name, words in [
            ("list", "list all runs, those that go on first"),
            ("show", "show one run"),
            ("cancel", "stop runs"),
            ("retry", "queue cancelled or failed runs again"),
            ("delete", "forget runs"),
            ("export", "write runs as files"),
            ("import", "keep runs that were exported elsewhere"),
            ("gc", "delete weights that no run uses, then the least recently used above a budget"),
        ]
    }
    for action in made.values():
        _json(action)
        action.add_argument("--store", type=Path, help="the store's folder (or MIPP_STORE)")
    made["list"].add_argument("--state", choices=["queued", "running", "done", "cancelled", "failed"])
    made["show"].add_argument("names", nargs=1, metavar="RUN", help="the run's hash, or enough of it to be unique")
    for name in ("cancel", "retry", "delete", "export"):
        made[name].add_argument("names", nargs="+", metavar="RUN", help="hashes, or enough of each to be unique")
    made["export"].add_argument("--format", choices=["folder", "csv", "json"], default="folder")
    made["export"].add_argument("--to", type=Path, default=Path(), help="folder to write into")
    made["import"].add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="what export wrote")
    made["gc"].add_argument("--budget", help="most bytes of weights that stay, as 500MB or 2GB")


def _slim(parser: ArgumentParser) -> None:
    _json(parser)
    parser.add_argument(
        "network",
        metavar="FOLDER|RUN",
        help="a folder that prune or sweep --save-dir or runs export wrote, one with slim.json and slim.safetensors "
        "from the page, or a run in the store by its hash or the beginning of it (see: runs list)",
    )
    parser.add_argument("--level", type=int, metavar="N", help="which point of a run that has several, by its number")
    parser.add_argument("--confidence", type=float, metavar="X", help="the same, by the confidence it was asked at")
    _shares(parser, "that it removed or was to remove: the same, by what is gone")
    parser.add_argument("--weights", choices=_WEIGHTS, help="which weights of that point; retrained by default")
    parser.add_argument("--model", help="PATH.py:FUNCTION, if that is what was pruned")
    parser.add_argument("--data-dir", type=Path, help="where datasets are (or MIPP_DATA), to make other weights again")
    parser.add_argument("--store", type=Path, help="the store's folder (or MIPP_STORE)")


def _json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")


def _network(parser: ArgumentParser) -> None:
    _json(parser)
    parser.add_argument("--model", default="lenet5", help="see: models; torchvision:NAME, or PATH.py:FUNCTION")
    parser.add_argument("--dataset", default="mnist-sample", help="see: datasets; folder:PATH, or FILE.npz")
    parser.add_argument("--widths", help="of the layers or stages that models lists, as 6,16,120,84")
    parser.add_argument("--weights", default="", help="weights to start from: IMAGENET1K_V2 and the like, or a file")
    parser.add_argument("--entry", default="", help="which weights to take from a file that has several, as ema")
    parser.add_argument("--mean", nargs="+", metavar="M", help="normalise images with this mean, a number per channel")
    parser.add_argument("--std", nargs="+", metavar="S", help="and with this standard deviation, a number per channel")
    parser.add_argument("--deformation", type=float, default=0.0, metavar="S", help="deform the images, 0 to 1")
    parser.add_argument("--recipe", default="", help="how the dense network is trained; live by default")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1")
    parser.add_argument("--data-dir", type=Path, help="where datasets are downloaded to (or MIPP_DATA)")
    parser.add_argument("--store", type=Path, help="where trained networks are kept (or MIPP_STORE)")
    parser.add_argument("--save-dir", type=Path, help="write the results as files here")
    _images(parser)


def _images(parser: ArgumentParser) -> None:
    own = parser.add_argument_group(
        "images of your own", "with --dataset folder:PATH or FILE.npz; see docs/datasets.md"
    )
    own.add_argument("--size", help="resize them, as 64 or 48x64 (height x width)")
    own.add_argument("--crop", choices=["center", "none"], help="cut out the middle, or stretch; center by default")
    colour = own.add_mutually_exclusive_group()
    colour.add_argument("--grey", action="store_true", help="one channel; by default if all images are grey")
    colour.add_argument("--rgb", action="store_true", help="three channels")
    own.add_argument("--test-share", type=float, help="of each class, where there is no test part; 0.2 by default")
    own.add_argument("--split-seed", type=int, help="of that split; 0 by default")


def _pruning(parser: ArgumentParser) -> None:
    _network(parser)
    parser.add_argument("--untrained", action="store_true", help="prune the network at initialisation")
    parser.add_argument("--pruner", default="mipp", help="see: pruners; or PATH.py:CLASS")
    parser.add_argument("--small", action="store_true", help="MIPP's small setting: minutes for wide networks on a CPU")
    parser.add_argument("--pixels", action="store_true", help="prune the input's pixels too (mipp)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the pruner")
    parser.add_argument("--retrain-recipe", help="how pruned networks are retrained; none = not at all")
    parser.add_argument("--controls", default="", help=f"compare with: {', '.join(CONTROLS)}")
    parser.add_argument("--retrain-controls", action="store_true", help="retrain the controls too")
