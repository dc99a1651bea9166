"""Short lessons about pruning, in words that are made from what ships; a page draws them."""

from collections.abc import Mapping
from types import MappingProxyType

from mipp_core.reports.lessons import chosen, free, keeps, pixels, training, widths
from mipp_core.reports.lessons.lesson import Lesson

LESSONS: Mapping[str, Lesson] = MappingProxyType(
    {
        "keeps": Lesson(
            "What MIPP keeps, and why",
            "One question decides about every unit. See how many can go, and what mends a network after the cut.",
            5,
            keeps.steps,
        ),
        "random": Lesson(
            "Random against chosen units",
            "Is a careful choice better than drawing lots? Right after the cut, and after retraining.",
            5,
            chosen.steps,
        ),
        "widths": Lesson(
            "Do the widths alone explain it?",
            "Keep only how many units each layer has, throw the rest away, and see what is left of the result.",
            4,
            widths.steps,
        ),
        "training": Lesson(
            "Before and after training",
            "Prune a network that has learnt nothing yet: which units can go, and which must not?",
            5,
            training.steps,
        ),
        "pixels": Lesson(
            "Which pixels",
            "The image is a layer, too. Where does a network not look at all?",
            4,
            pixels.steps,
        ),
        "free": Lesson(
            "No free prune",
            "The list of what stays is a message about the data. Count its bits in a tiny network.",
            5,
            free.steps,
        ),
    }
)
"""Name in the address -> the lesson, in the order in which they are best read."""
