"""`python -m clients.python FOLDER` writes the typed Python client of this version into a folder.

It is generated from the description of the API and kept nowhere, so that it is always current. The
service need not run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from auth_api import VERSION
from auth_api.app import create_app
from auth_api.routes.openapi import description

_CONFIG = Path(__file__).with_name("python.yml")


def generate(folder: Path) -> str:
    """Writes the package. Returns the output of the generator, which names what it leaves out.

    Raises CalledProcessError.
    """
    with TemporaryDirectory() as scratch:
        document, config = Path(scratch) / "openapi.json", Path(scratch) / "config.yml"
        document.write_text(json.dumps(_without_defaults(description(create_app()))))
        settings = yaml.safe_load(_CONFIG.read_text())
        config.write_text(yaml.safe_dump({**settings, "package_version_override": VERSION}))
        tools = Path(sys.executable).parent  # has ruff, which formats the package
        command = [str(tools / "openapi-python-client"), "generate", "--overwrite"]
        done = subprocess.run(  # noqa: S603
            [*command, "--path", document, "--config", config, "--output-path", folder],
            env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
    return done.stdout


def _without_defaults(node: Any, *, names: bool = False) -> Any:
    """A part of the description without default values; `names` says that its keys are names.

    The client would send the defaults, in the query and in the body: an option that is set in one
    of them would contradict the other.
    """
    if isinstance(node, list):
        return [_without_defaults(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_defaults(value, names=key == "properties" and not names)
        for key, value in node.items()
        if names or key != "default"
    }


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m clients.python", description=__doc__)
    parser.add_argument("folder", type=Path)
    print(generate(parser.parse_args().folder))


if __name__ == "__main__":
    main()
