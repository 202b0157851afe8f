"""The command line, one module per command.

archives          builds model_store/*.mar
references        draws the reference pictures and writes their strokes
worksheet_files   makes what worksheets are drawn with
contact_sheet     synthetic beside real handwriting
train             trains weights
improve           trains a version of a model on demand
evaluate          figures of weights
calibrate         fits a temperature or a scale
chart             charts of figures
comparison_sheet  overlays and feedback for a folder of pictures
web_font          makes the web font of the page
output            prints results as JSON, tables or lines

`add_to` declares a command and its options. Each command imports its dependencies when it runs,
because building archives must not need the dependencies of training.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from archive_scripts.archives.building import ROOT
from handlers.characters import CHARACTERS, Character

if TYPE_CHECKING:
    from archive_scripts.training.labelled import Block, LabelledInkImages

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The result of `ArgumentParser.add_subparsers`."""


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Declares the options for the sources of synthetic handwriting."""
    parser.add_argument(
        "--font", type=Path, action="append", default=[], dest="fonts", help="a font file"
    )
    parser.add_argument(
        "--glyphs",
        type=Path,
        action="append",
        default=[],
        help="a folder of class_N.png, white on black, one letterform per class",
    )
    parser.add_argument("--no-strokes", action="store_true", help="leave out letterforms.json")
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="SOURCE",
        help="leave out the forms of one source in letterforms.json",
    )


def add_negative_fonts(parser: argparse.ArgumentParser) -> None:
    """Declares the option for typefaces whose letters and signs are negatives."""
    parser.add_argument(
        "--negative-font",
        type=Path,
        action="append",
        default=[],
        dest="negative_fonts",
        help="a font file with letters or signs that the model should know as no class of its own",
    )


def block(text: str) -> Block:
    """Reads a part of the pictures of each class, such as `0.55-0.7`. Raises ValueError."""
    start, end = (float(number) for number in text.split("-"))
    if not 0 <= start < end <= 1:
        raise ValueError(f"{text} is no part of 0-1")
    return start, end


def evaluation_images(
    options: argparse.Namespace, characters: Sequence[Character] = CHARACTERS
) -> LabelledInkImages:
    """The pictures of `characters` that the options of `add_evaluation_data` name."""
    from archive_scripts.training.labelled import load_ink_images

    blocks = options.blocks or [(0, 1)]
    return load_ink_images(options.folders, options.photographs, options.tables, blocks, characters)


def add_evaluation_data(parser: argparse.ArgumentParser, model: str) -> None:
    """Declares the options for weights of `model` and the data that they are measured on."""
    parser.add_argument("--weights", type=Path, default=ROOT / f"weights/{model}.safetensors")
    if model == "digits":
        parser.add_argument("digits", type=Path, help="as for train")
        last = "use the last N, which training held out (default: 5000)"
        parser.add_argument("--last", type=int, default=5000, metavar="N", help=last)
    else:
        folders = "class_12.png, or one folder per class"
        parser.add_argument("folders", type=Path, nargs="+", help=folders)
        photographs = "use N photographs of each picture on paper instead"
        parser.add_argument("--photographs", type=int, default=0, metavar="N", help=photographs)
        tables = "with --photographs: lay the paper on tables"
        parser.add_argument("--tables", action="store_true", help=tables)
        parser.add_argument(
            "--part",
            type=block,
            action="append",
            dest="blocks",
            metavar="FROM-TO",
            help="use this part of each folder's pictures of a class, e.g. 0.55-0.7 (default: all)",
        )
