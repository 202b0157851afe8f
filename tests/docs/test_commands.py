"""The commands and calls of the documentation are ones that the programs and the service take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from archive_scripts.archives.building import ROOT
from tests.support.command_lines import bare_commands, fault_of, fault_of_bare
from tests.support.curl_lines import fault_of_path
from tests.support.documents import (
    PAGES,
    Command,
    Unreadable,
    commands_of,
    inline_code,
    recorded,
    shell_text,
)

_ROUTE = re.compile(r"(?:(GET|POST|PUT|PATCH|DELETE) )?(/api/\w\S*|/health|/ready)")

JSON = "```sh\ncurl -H 'Content-Type: application/json' http://localhost:8000/"


def faults(commands: Sequence[Command], spans: Sequence[str]) -> list[str]:
    """The mistakes of a page."""
    found = [(str(command), fault_of(command)) for command in commands]
    found += [(span, fault_of_bare(words)) for span, words in bare_commands(spans)]
    routes = ((span, _ROUTE.fullmatch(span)) for span in spans)
    found += [(span, fault_of_path(match[2], match[1] or "")) for span, match in routes if match]
    return [*dict.fromkeys(f"{what}: {fault}" for what, fault in found if fault)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_has_only_commands_and_calls_that_work(page: Path) -> None:
    assert faults(commands_of(page), inline_code(page.read_text())) == []


def test_no_page_is_read_as_empty() -> None:
    counts = {page.name: len(commands_of(page)) for page in PAGES}
    bare = [span for page in PAGES for span, _ in bare_commands(inline_code(page.read_text()))]
    assert sum(counts.values()) > 300
    assert len(bare) > 60
    assert min(counts[name] for name in ("older-systems.md", "CONTRIBUTING.md", "using.md")) > 30


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Say `audit-log list`.", "invalid choice: 'audit-log'"),
        ("Say `users unlok NAME`.", "invalid choice: 'unlok'"),
        ("Say `users list [--rôle analyst]`.", "unrecognized arguments: --rôle"),
        ("Say `models export ranjana|digits`.", "required: file"),
        ("`python -m auth_api backup`", "required: file"),
        ("```sh\n.venv/bin/python -m archive_scripts \\\n  train recogniser\n```", "recogniser"),
        ("```sh\npython -m benchmarks speeed\n```", "there is no part speeed"),
        ("```sh\npython -m launcher everything\n```", "everything"),
        ("```bash\ndocker compose exec x python -m auth_api bakup - > f\n```", "'bakup'"),
        ("```sh\ntorchrun --nproc-per-node 2 -m archive_scripts trian digits x\n```", "'trian'"),
        ("```sh\npython -m zipfiles -c a.zip b\n```", "there is no zipfiles"),
        ("```sh\npython -c 'print(1'\n```", "never closed"),
        ("```sh\npython scripts/train.py\n```", "there is no scripts/train.py"),
        ("```sh\n.venv/bin/alembic upgarde head\n```", "'upgarde'"),
        ("```sh\nmake serv\n```", "make has no serv"),
        ("```sh\nsudo make serv\n```", "make has no serv"),
        ("Say `make test SCREENSHOT=yes`.", "make has no SCREENSHOT=yes"),
        ("```sh\nSOAK_SECOND=9 make faults\n```", "nothing reads SOAK_SECOND"),
        ("```sh\nwget http://localhost:8000/\n```", "how wget is checked"),
        ("```sh\ncurl http://localhost:8000/api/predictt/\n```", "no GET /api/predictt/"),
        ("```sh\ncurl http://localhost:8000/api/predict/\n```", "no GET /api/predict/"),
        ("```sh\ncurl http://localhost:8001/api/me/\n```", "nothing listens on port 8001"),
        ("```sh\ncurl http://localhost:8083/health\n```", "no /health on port 8083"),
        ("```sh\ncurl https://ranjana.example.org/\n```", "is not at localhost"),
        ("```sh\ncurl --data @x http://localhost:8000/api/signin/\n```", "arguments: --data"),
        (
            '```sh\nA=http://localhost:8000; curl -F image=@x "$A/api/predict/?modle=digits"\n```',
            "no parameter modle",
        ),
        (
            "```sh\ncurl -F image=@x 'http://localhost:8000/api/predict/?characters=some'\n```",
            "characters may not be some",
        ),
        ("```sh\ncurl -F picture=@x http://localhost:8000/api/predict/\n```", "no file picture"),
        (
            "```sh\ncurl -F image=@x -F target=1 http://localhost:8000/api/similarity/\n```",
            "no field target",
        ),
        (
            "```sh\ncurl http://localhost:8000/api/signin/ -d '{}'\n```",
            "does not say that it sends JSON",
        ),
        (JSON + 'api/signin/ -d \'{"username": "a", "pasword": "b"}\'\n```', "'password' is"),
        (JSON + 'api/feedback/ -d \'{"prediction_id": 1, "actual_clas": 1}\'\n```', "actual_class"),
        (JSON + 'api/token/refresh/ -d \'{"refresh": "a", "acess": "b"}\'\n```', "no field acess"),
        ("`GET /api/histories/`", "no GET /api/histories/"),
        ("`/api/models/{name}/trains/`", "no  /api/models/1/trains/"),
        ("`DELETE /api/models/`", "no DELETE /api/models/"),
    ],
)
def test_a_mistake_in_a_page_is_found(text: str, reason: str) -> None:
    (found,) = faults(recorded(shell_text(text)), inline_code(text))
    assert reason in found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('```sh\necho "never closed\n```', "unexpected EOF"),
        ("```sh\ncurl $NOWHERE/api/me/\n```", "NOWHERE: unbound variable"),
        ("```sh\ncurl <this address>\n```", "syntax error"),
        ("```sh\ncat < no-file\n```", "No such file"),
    ],
)
def test_lines_that_the_shell_cannot_run_are_found(text: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        recorded(shell_text(text))
