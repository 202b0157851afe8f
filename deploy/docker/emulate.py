"""Builds and runs the images without a container engine: as root, on Debian, with `debootstrap`.

    .venv/bin/python deploy/docker/emulate.py build FOLDER
    .venv/bin/python deploy/docker/emulate.py run --volume keys:/srv/keys FOLDER/api COMMAND...

It follows the lines of the Dockerfiles in a bare Debian root. A container then is a namespace with
a read-only root, the image's user and no capabilities; of the machine it has only /proc. What
differs from an engine: packages are those of .venv, if they have the pinned versions; network,
control groups and system calls are those of the machine.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

CHECKOUT = Path(__file__).resolve().parents[2]
IMAGES = ("models", "api")

_PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_PINNED = re.compile(r"^[\w.-]+==[^\\\n]+", re.MULTILINE)
_PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def build(folder: Path, checkout: Path = CHECKOUT) -> None:
    """Builds both images of a checkout in `folder`, which takes some minutes."""
    os.umask(0o022)  # as in an engine
    base = folder / "base"
    if not base.exists():
        _make_base(base)
    for name in IMAGES:
        _build_image(checkout, name, base, folder)


def _make_base(base: Path) -> None:
    """What `python:slim` is: a bare Debian with a Python in /usr/local."""
    release = dict(line.split("=") for line in Path("/etc/os-release").read_text().splitlines())
    suite = release["VERSION_CODENAME"].strip('"')
    # `python3` brings the libraries that a Python needs.
    command = ("debootstrap", "--variant=minbase", "--include=python3,ca-certificates")
    subprocess.run([*command, suite, base], check=True, stdout=subprocess.DEVNULL)
    prefix, local = Path(sys.base_prefix), base / "usr" / "local"
    unneeded = shutil.ignore_patterns("site-packages", "__pycache__", "test", "*.a")
    shutil.copytree(
        prefix / "lib" / _PYTHON, local / "lib" / _PYTHON, ignore=unneeded, dirs_exist_ok=True
    )
    for library in (prefix / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, local / "lib")
    shutil.copy2(prefix / "bin" / _PYTHON, local / "bin")
    for link in ("python", "python3"):
        (local / "bin" / link).symlink_to(_PYTHON)
    _chroot(base, "ldconfig", {"PATH": _PATH})


def _build_image(checkout: Path, name: str, base: Path, folder: Path) -> None:
    """Follows a Dockerfile. Raises `ValueError` for a line that it does not know."""
    dockerfile = checkout / "deploy" / "docker" / f"{name}.Dockerfile"
    stages: dict[str, Path] = {}
    for word, rest in _instructions(dockerfile.read_text()):
        match word:
            case "FROM":
                stage = rest.partition(" AS ")[2] or "image"
                root = stages[stage] = folder / (name if stage == "image" else f"{name}-{stage}")
                subprocess.run(["cp", "--archive", base, root], check=True)
                variables, workdir, user = {"PATH": _PATH}, "/", "0:0"
                arguments: dict[str, str] = {}
            case "ARG" | "ENV":
                pairs = dict(pair.split("=", 1) for pair in shlex.split(rest))
                if path := pairs.get("PATH"):
                    pairs["PATH"] = path.replace("$PATH", variables["PATH"])
                (arguments if word == "ARG" else variables).update(pairs)
            case "COPY":
                _copy(rest, checkout, root, workdir, stages)
            case "RUN":
                for command in rest.split("&&"):
                    _run_line(command.strip(), root, {**arguments, **variables}, workdir)
            case "WORKDIR":
                workdir = rest
                (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
            case "USER":
                user = rest
            case "EXPOSE" | "HEALTHCHECK" | "CMD":
                pass
            case _:
                raise ValueError(f"{dockerfile}: {word} is not emulated")
    for stage in stages.keys() - {"image"}:
        shutil.rmtree(stages[stage])
    described = {"variables": variables, "workdir": workdir, "user": user}
    (folder / f"{name}.json").write_text(json.dumps(described))


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def _copy(rest: str, checkout: Path, root: Path, workdir: str, stages: Mapping[str, Path]) -> None:
    """Copies with the modes of the source, as an engine does."""
    *options, source, target = rest.split()
    to = root / os.path.join(workdir, target).lstrip("/")
    if options:
        (stage,) = (option.removeprefix("--from=") for option in options)
        origin, ignored = stages[stage] / source.lstrip("/"), None
    else:
        origin, ignored = checkout / source, _ignored(checkout)
    if origin.is_dir():
        shutil.copytree(origin, to, symlinks=True, dirs_exist_ok=True, ignore=ignored)
    else:
        to = to / origin.name if target.endswith("/") else to
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(origin, to)


def _ignored(checkout: Path) -> Callable[[str, list[str]], set[str]]:
    """What `.dockerignore` leaves out of a folder: all but the lines with an exclamation mark."""
    lines = (checkout / ".dockerignore").read_text().splitlines()
    wanted = [line[1:] for line in lines if line.startswith("!")]

    def ignored(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(checkout)
        return {name for name in names if name == "__pycache__" or not is_wanted(inside / name)}

    def is_wanted(path: Path) -> bool:
        whole = [path, *path.parents]
        return any(fnmatch.fnmatch(str(each), pattern) for each in whole for pattern in wanted)

    return ignored


def _run_line(command: str, root: Path, variables: Mapping[str, str], workdir: str) -> None:
    if "pip install" not in command:
        _chroot(root, f"cd {workdir} && {command}", variables)
        return
    for name in re.findall(r"--requirement (\S+)", command):
        _install(root / name.lstrip("/"), root)


def _install(requirements: Path, root: Path) -> None:
    """Puts packages of .venv, and what they need, into the environment of an image.

    Raises `ValueError` for another version than the pinned one.
    """
    wanted = []
    for text in _PINNED.findall(requirements.read_text()):
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            found = importlib.metadata.version(requirement.name)
            if not requirement.specifier.contains(Version(found).public):
                raise ValueError(f"{requirement} is pinned, and .venv has {found}")
            wanted.append(requirement.name)
    done: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in done:
            done.add(name)
            distribution = importlib.metadata.distribution(name)
            _copy_package(distribution, root / "opt" / "venv" / "lib" / _PYTHON / "site-packages")
            needed = [Requirement(text) for text in distribution.requires or ()]
            wanted += [
                each.name
                for each in needed
                if each.marker is None or each.marker.evaluate({"extra": ""})
            ]


def _copy_package(distribution: importlib.metadata.Distribution, packages: Path) -> None:
    installed = Path(sysconfig.get_path("purelib"))
    for file in distribution.files or ():
        source, target = installed / file, packages / file
        if ".." in file.parts or file.suffix == ".pyc" or target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            shutil.copy2(source, target)


def _chroot(root: Path, command: str, variables: Mapping[str, str]) -> None:
    inside = ["/bin/sh", "-ec", _IN_ROOT, "sh", str(root), command]
    subprocess.run([*_NAMESPACE, *inside], env=dict(variables), check=True)


# Mounts are in a namespace of their own, which ends with its processes: none is left behind.
_NAMESPACE = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child")
_IN_ROOT = """mount --types proc proc "$1/proc"; exec chroot "$1" /bin/sh -ec "$2" """


def command_of(
    image: Path, command: Sequence[str], volumes: Sequence[str], environment: Mapping[str, str]
) -> list[str]:
    """The command line that runs `command` in a container of an image in the folder of `build`.

    `volumes` are like those of compose: `FOLDER:PATH` or `FOLDER:PATH:ro`.
    """
    described = json.loads(image.with_suffix(".json").read_text())
    user, group = described["user"].split(":")
    root = shlex.quote(str(image))
    script = [f"mount --bind {root} {root}"]
    for volume in volumes:
        folder, path, *options = volume.split(":")
        inside = shlex.quote(f"{image}{path}")
        script.append(f"mkdir -p {inside}")
        script.append(f"mount --bind {shlex.quote(os.path.abspath(folder))} {inside}")
        if options == ["ro"]:
            script.append(f"mount -o remount,bind,ro {inside}")
    script.append(f"mount --types tmpfs --options mode=1777,size=1g tmpfs {root}/tmp")
    script.append(f"mount --types proc proc {root}/proc")
    script.append(f"mount -o remount,bind,ro {root}")
    variables = {**described["variables"], **environment}
    inner = [f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
    inner += ["--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    inner += ["env", "--ignore-environment", f"--chdir={described['workdir']}"]
    inner += [f"{name}={value}" for name, value in variables.items()]
    script.append(shlex.join(["exec", "chroot", str(image), "setpriv", *inner, *command]))
    return [*_NAMESPACE, "/bin/sh", "-ec", "\n".join(script)]


def main() -> int:
    """Runs the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emulate.py", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    building = commands.add_parser("build", help="builds both images")
    building.add_argument("folder", type=Path)
    running = commands.add_parser("run", help="runs a command in a container of an image")
    running.add_argument("image", type=Path, help="FOLDER/api or FOLDER/models")
    running.add_argument("--volume", action="append", default=[], metavar="FOLDER:PATH[:ro]")
    running.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    running.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.what == "build":
        build(options.folder.resolve())
        return 0
    environment = dict(each.split("=", 1) for each in options.env)
    command = command_of(options.image.resolve(), options.command, options.volume, environment)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
