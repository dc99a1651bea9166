"""Small JPEG files in the layouts of ImageNet and TinyImageNet."""

from pathlib import Path

import torch
from PIL import Image

from mipp_core.data.decoding import Crop
from mipp_core.data.folder_family import FolderFamily
from mipp_core.data.tiny_imagenet import TinyImageNet

WNIDS = ["n01443537", "n01629819", "n12267677"]
EACH, EACH_TEST = 4, 2
OBTAIN = "get it from somewhere and unpack it"
PHOTOS = FolderFamily("photos", "photos", 3, 3 * EACH, 3 * EACH_TEST, Crop(shorter=20, side=16), OBTAIN)
TINY = TinyImageNet("tiny", "tiny-200", 3, 3 * EACH, 3 * EACH_TEST, Crop(shorter=16, side=16), OBTAIN)


def photo(path: Path, seed: int, size: tuple[int, int]) -> None:
    """Write a JPEG of smooth random colours, width and height given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dots = torch.randint(256, (4, 4, 3), generator=torch.Generator().manual_seed(seed)).to(torch.uint8)
    Image.fromarray(dots.numpy()).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)


def write_photos(root: Path) -> Path:
    """ImageNet as torchvision unpacks it: one folder per class, pictures of all sizes, file endings in capitals."""
    for place, wnid in enumerate(WNIDS):
        for number in range(EACH):
            photo(root / "photos" / "train" / wnid / f"{wnid}_{number}.JPEG", 10 * place + number, (30 + number, 24))
        for number in range(EACH_TEST):
            photo(root / "photos" / "val" / wnid / f"ILSVRC2012_val_0000000{number}.JPEG", 50 + number, (22, 40))
    return root / "photos"


def write_tiny(root: Path) -> Path:
    """TinyImageNet as it is unpacked: train by class with boxes, val in one folder with a table, test unlabelled."""
    folder = root / "tiny-200"
    for place, wnid in enumerate(WNIDS):
        for number in range(EACH):
            photo(folder / "train" / wnid / "images" / f"{wnid}_{number}.JPEG", 10 * place + number, (16, 16))
        (folder / "train" / wnid / f"{wnid}_boxes.txt").write_text(f"{wnid}_0.JPEG\t0\t0\t15\t15\n")
    rows = []
    for number in range(3 * EACH_TEST):
        photo(folder / "val" / "images" / f"val_{number}.JPEG", 50 + number, (16, 16))
        rows.append(f"val_{number}.JPEG\t{WNIDS[(2 * number + 1) % 3]}\t0\t0\t15\t15\n")
    (folder / "val" / "val_annotations.txt").write_text("".join(rows))
    photo(folder / "test" / "images" / "test_0.JPEG", 99, (16, 16))
    (folder / "wnids.txt").write_text("\n".join(reversed(WNIDS)))
    (folder / "words.txt").write_text("n01443537\tgoldfish, Carassius auratus\n")
    return folder
