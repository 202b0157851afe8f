"""Releasing a version of a model in the page."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import check_view, take_errors, visit
from tests.support.releases import SOURCE, Operator
from tests.support.running import wait_for

DEVICES = 40


@pytest.fixture
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """A service with its own TorchServe, because the traffic split applies to all its users."""
    running = Operator(tmp_path_factory.mktemp("release"))
    yield running
    running.ranjana.stop()


def open_part(page: Page, name: str) -> None:
    """Opens a part of the view of the model."""
    page.get_by_role("navigation", name="Parts").get_by_role("link", name=name).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute(
        "aria-current", "page"
    )


def card(page: Page, version: str) -> Locator:
    heading = page.get_by_role("heading", name=f"Version {version}", exact=True)
    return page.locator(".card").filter(has=heading)


def confirm_button(card: Locator, name: str, question: re.Pattern[str]) -> Locator:
    """Presses a button that asks for confirmation. Returns the button that confirms."""
    card.get_by_role("button", name=name).click()
    dialog = card.get_by_role("group", name=question)
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    return dialog.get_by_role("button", name=name)


@pytest.mark.thorough
def test_a_version_is_tried_with_some_users_promoted_and_rolled_back(
    browser: Browser, operator: Operator
) -> None:
    operator.appoint("engineer", "ml-engineer")
    archive = operator.derived("ranjana-1.1.mar", "1.1", {"evaluation.json": worse_figures()})
    with visit(browser, operator) as engineer:
        engineer.sign_in("engineer")
        page = engineer.open("/models/ranjana?part=release")
        expect(page.get_by_text("There is only the default version")).to_be_visible()

        # Register a version. Refused values can be corrected in the form.
        page.get_by_label("Archive").fill("../elsewhere.mar")
        checksum = page.get_by_label("Checksum")
        checksum.fill("unknown")
        register = page.get_by_role("button", name="Register")
        register.click()
        expect(checksum).to_be_focused()
        expect(checksum).to_have_accessible_description(re.compile("match the requested format"))
        checksum.fill("")
        register.click()
        expect(page.get_by_role("alert").filter(has_text="model store")).to_be_visible()
        assert take_errors(engineer, 400) == 1
        page.get_by_label("Archive").fill(archive)
        register.click()
        expect(register).to_be_disabled()
        expect(page.get_by_role("status").filter(has_text="being tested")).to_be_visible()
        expect(page.get_by_text("Version 1.1 is registered.")).to_be_visible()
        assert operator.model()["traffic"] == {"1.0": 100}

        # Give it to some of the users, at most to all.
        share = page.get_by_role("spinbutton", name="Percent of the users for version 1.1")
        share.fill("130")
        expect(page.get_by_text("The sum is 30 percent too high.")).to_be_visible()
        page.get_by_role("button", name="Save").click()
        expect(share).to_be_focused()
        assert operator.model()["traffic"] == {"1.0": 100}
        page.get_by_role("slider").fill("40")
        expect(share).to_have_value("40")
        expect(page.locator("output")).to_have_text("60%")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
        expect(page.get_by_role("rowheader")).to_have_text(["1.0", "1.1"])
        assert operator.model()["traffic"] == {"1.0": 60, "1.1": 40}

        # Compare the versions.
        answers = Counter(
            operator.ask(device).json()["model"]["version"] for device in range(DEVICES)
        )
        assert 0 < answers["1.1"] < DEVICES
        wait_for(lambda: _requests(operator) == answers, 10)  # the counts are delayed by a second
        page.reload()
        report = page.get_by_role("region", name="How the versions compare")
        for row, told in enumerate((("1.0", "60%"), ("1.1", "40%"))):
            cells = report.locator("tbody tr").nth(row).locator("th, td")
            for cell, text in enumerate((*told, str(answers[told[0]]))):
                expect(cells.nth(cell)).to_have_text(text)
        expect(page.get_by_role("heading", name="1.1 against 1.0")).to_be_visible()
        expect(page.locator("li").filter(has_text="Judged wrong")).to_contain_text(
            "not enough data"
        )
        check_view(page, "model-release")
        page.set_viewport_size({"width": 360, "height": 740})
        check_view(page, "model-release-phone")
        page.set_viewport_size({"width": 1280, "height": 720})

        # Give it more workers, within the limit of the service.
        open_part(page, "Versions")
        candidate = card(page, "1.1")
        expect(candidate.get_by_role("button", name="Remove")).to_have_count(0)  # it is in use
        candidate.get_by_text("Change the number of workers").click()
        workers = candidate.get_by_label("Workers")
        workers.fill("999")
        candidate.get_by_role("button", name="Save").click()
        expect(workers).to_be_focused()
        expect(workers).to_have_accessible_description(re.compile(r"Can be \d+ at most"))
        assert take_errors(engineer, 400) == 1
        workers.fill("2")
        candidate.get_by_role("button", name="Save").click()
        expect(candidate).to_contain_text("2 of 2 ready")
        assert operator.versions()["1.1"]["workers_ready"] == 2

        # Promote it, after cancelling once.
        fixed = page.get_by_role("region", name="All versions on the same pictures")
        expect(fixed.get_by_role("rowheader")).to_have_text(["1.1", "1.0 (Default)"])
        expect(fixed.locator("tbody tr").first).to_contain_text("50%")
        everybody = re.compile(
            "^This version is worse: of the same 248 pictures, version 1.1 gets 50% right, and the "
            r"default 1.0 gets 9\d(\.\d)?%. Everybody then gets version 1.1"
        )
        confirm_button(candidate, "Make it the default", everybody)
        check_view(page, "model-versions")
        candidate.get_by_role("button", name="Cancel").click()
        expect(candidate.get_by_role("button", name="Make it the default")).to_be_focused()
        confirm_button(candidate, "Make it the default", everybody).click()
        expect(candidate.get_by_text("Default", exact=True)).to_be_visible()
        expect(candidate).to_contain_text("100%")
        now = operator.model()
        assert (now["default"], now["previous"], now["traffic"]) == ("1.1", "1.0", {"1.1": 100})

        # Roll back, and remove the version.
        before = card(page, "1.0")
        confirm_button(
            before, "Roll back to it", re.compile("^Everybody then gets version 1.0")
        ).click()
        expect(before.get_by_text("Default", exact=True)).to_be_visible()
        assert operator.model()["traffic"] == {"1.0": 100}
        expect(candidate.get_by_role("button", name="Make it the default")).to_be_visible()
        confirm_button(candidate, "Remove", re.compile("^Version 1.1 of ranjana is then")).click()
        expect(candidate).to_have_count(0)
        assert operator.versions().keys() == {"1.0"}
        assert operator.served() == {"1.0"}


def worse_figures() -> bytes:
    """The figures of the default version, but worse on the fixed set of pictures."""
    with zipfile.ZipFile(SOURCE) as archive:
        figures = json.loads(archive.read("evaluation.json"))
    figures["fixed"] |= {"top1": 0.5}
    return json.dumps(figures).encode()


def _requests(operator: Operator) -> dict[str, int]:
    report = operator.send("GET", "traffic/report/").json()
    return {arm["version"]: arm["requests"] for arm in report["arms"]}
