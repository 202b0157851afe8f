"""The views for analysts, data scientists, engineers and administrators."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from typing import Any, get_args

import pytest
from playwright.sync_api import Page, Route, expect

from auth_api.database.tables.audit import Action
from tests.browser.conftest import Visitor, check_view, choose_language, take_errors
from tests.support.pictures import encode, reference
from tests.support.running import ROOT, wait_for

SECTIONS = ["Overview", "Models", "Jobs", "Training", "Users", "Audit log", "Settings"]
PARTS = ["Versions", "Model card", "Figures", "Release", "Corrections"]
VISIBLE = {
    "user": (["Models", "Jobs"], ["Versions", "Model card"]),
    "analyst": (SECTIONS[:3], PARTS[:3]),
    "data-scientist": (SECTIONS[:4], ["Versions", "Model card", "Figures", "Corrections"]),
    "ml-engineer": (SECTIONS[:4], PARTS),
    "admin": (SECTIONS, PARTS),
}


def test_each_role_sees_only_what_it_may_do(visitor: Visitor) -> None:
    page = visitor.open("/models")
    expect(page.locator(".cards h2")).to_have_text(["ranjana", "similarity", "digits"])
    expect(page.get_by_role("navigation", name="Operate")).to_have_count(0)
    page.close()
    username = visitor.sign_up()
    page = visitor.open("/users")
    for role, (sections, parts) in VISIBLE.items():
        visitor.promote(username, role)
        page.reload()
        heading = "Users" if role == "admin" else "Not for this account"
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        page.goto(f"{visitor.home}/#/models/ranjana")
        expect(page.get_by_role("navigation", name="Operate").get_by_role("link")).to_have_text(
            sections
        )
        expect(page.get_by_role("navigation", name="Parts").get_by_role("link")).to_have_text(parts)
        engineer = role in {"ml-engineer", "admin"}
        expect(page.get_by_text("Change the number of workers")).to_have_count(int(engineer))
        page.goto(f"{visitor.home}/#/users")


def test_an_administrator_sees_usage_audit_log_settings_and_jobs(visitor: Visitor) -> None:
    username = visitor.sign_up("admin")
    page = visitor.open("/")
    picture = {"image": _data_uri(12)}
    answer = visitor.api(page, "POST", "/api/predict/", json=picture)
    wrong = {"prediction_id": answer["prediction_id"], "actual_class": 13}
    visitor.api(page, "POST", "/api/feedback/", json=wrong)
    wait_for(lambda: _answers(visitor, page) > 0, 20)  # the counts are delayed by a second
    page.get_by_role("link", name="Operate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How the service is used")
    expect(page.locator(".facts").first).to_contain_text("recognitions")
    page.get_by_label("Day", exact=True).check()
    expect(page).to_have_url(re.compile("range=day"))
    page.get_by_label("Model", exact=True).select_option("ranjana")
    versions = page.get_by_role("region", name="By version")
    expect(versions.get_by_role("rowheader")).to_have_text(["ranjana 1.0"])
    check_view(page, "operate")

    # The audit log has the administrator's own actions, and can be downloaded.
    page.get_by_role("link", name="Audit log").click()
    page.get_by_label("What", exact=True).select_option("feedback_given")
    rows = page.get_by_role("region", name="Audit log").locator("tbody tr")
    expect(rows.first).to_contain_text("Feedback given")
    who = rows.first.locator("td").nth(1)
    expect(who).to_contain_text(username)
    number = re.sub(r"\D", "", who.locator(".remark").inner_text())
    page.get_by_label("User number").fill(number)
    page.get_by_label("User number").press("Tab")
    expect(rows).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download as CSV").click()
    table = saved.value.path().read_text().splitlines()
    assert len(table) == 2
    assert "feedback_given" in table[1]
    assert f'"{username}"' in table[1]
    check_view(page, "audit")

    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("rowheader", name="MODEL_STORE")).to_be_visible()
    check_view(page, "settings")
    page.get_by_role("link", name="Jobs").click()
    page.get_by_label("Everybody's").check()
    expect(page.get_by_label("Kind")).to_be_visible()

    source = page.request.get(f"{visitor.home}/web/views/audit/actions.js").text()
    assert set(re.findall(r'^  "(\w+)",$', source, re.MULTILINE)) == set(get_args(Action))
    assert username in page.locator("header").inner_text()


def test_an_administrator_follows_and_cancels_a_job_of_someone_else(visitor: Visitor) -> None:
    user = visitor.site.sign_up()
    visitor.promote(user.username, "data-scientist")
    owner = user.get("/api/me/").json()["id"]
    queued = user.post("/api/models/ranjana/train/", json={"epochs": 1})
    number = queued.json()["job_id"]
    visitor.sign_up("admin")
    page = visitor.open("/jobs?whose=all")
    page.get_by_role("link", name=f"Job {number}: training ranjana").click()
    expect(page.get_by_text("Waiting for its turn.")).to_be_visible()
    expect(page.get_by_text(f"User {owner}")).to_be_visible()
    page.get_by_role("button", name="Cancel the job").click()
    page.get_by_role("group").get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    check_view(page, "job-of-someone-else")
    images = [("images", ("a.png", encode(reference(4))))]
    done = user.post("/api/jobs/predict/", files=images).json()["job_id"]
    page.goto(f"{visitor.home}/#/jobs/{done}?whose=all")
    expect(page.get_by_text("1 of 1 picture read")).to_be_visible()
    expect(page.get_by_role("region", name="Results")).to_have_count(0)


def test_an_administrator_creates_changes_and_deactivates_an_account(phone: Visitor) -> None:
    phone.sign_up("admin")
    page = phone.open("/users")
    page.get_by_role("button", name="New account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("pupil.ofours")
    dialog.get_by_label("E-mail").fill("pupil@example.org")
    dialog.get_by_label("Password").fill("password")
    dialog.get_by_role("button", name="Create the account").click()
    password = dialog.get_by_label("Password")
    expect(password).to_be_focused()
    common = re.compile("This is one of the most common passwords")
    expect(password).to_have_accessible_description(common)
    assert take_errors(phone, 400) == 1
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("pupil.ofours")
    password.fill("a long quiet river")
    dialog.get_by_role("button", name="Create the account").click()
    expect(page.get_by_text("The account pupil.ofours is created.")).to_be_visible()

    page.get_by_label("Name or e-mail").fill("pupil@")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(1)
    change = page.get_by_role("button", name="Change pupil.ofours")
    change.click()
    dialog.get_by_label("Role").select_option("analyst")
    dialog.get_by_role("button", name="Save").click()
    expect(rows).to_contain_text("analyst")
    expect(change).to_be_focused()
    change.click()
    dialog.get_by_role("button", name="Deactivate").click()
    expect(dialog.get_by_role("button", name="Cancel").last).to_be_focused()
    page.keyboard.press("Escape")  # cancels the question, but does not close the dialog
    expect(dialog.get_by_role("button", name="Deactivate")).to_be_focused()
    page.keyboard.press("Enter")
    check_view(page, "user-locking")
    dialog.get_by_role("group").get_by_role("button", name="Deactivate").click()
    expect(rows).to_contain_text("Deactivated")
    page.get_by_label("State").select_option("true")
    expect(page.get_by_text("No matching users.")).to_be_visible()
    page.get_by_label("State").select_option("false")
    expect(rows).to_have_count(1)
    check_view(page, "users")


@pytest.mark.thorough
def test_an_analyst_sees_the_evaluation_of_a_model(visitor: Visitor) -> None:
    visitor.sign_up("analyst")
    page = visitor.open("/models")
    check_view(page, "models")
    page.get_by_role("link", name="ranjana", exact=True).click()
    page.get_by_role("navigation", name="Parts").get_by_role("link", name="Figures").click()
    figures = json.loads((ROOT / "weights" / "recognition.json").read_text(encoding="utf-8"))
    expect(page.locator(".facts").first).to_contain_text(f"{figures['top1']:.1%}")
    matrix = page.get_by_role("region", name="Confusion matrix")
    known = len(visitor.api(page, "GET", "/api/models/ranjana/confusion-matrix/")["matrix"])
    expect(matrix.locator("tbody tr")).to_have_count(known)
    expect(matrix.locator("thead th")).to_have_count(known)
    expect(matrix.locator("td.wrong").first).to_have_attribute("title", re.compile("read as"))
    page.get_by_label("Compare with one character").select_option(index=1)
    expect(page.locator(".legend").first).to_contain_text("Guessing")
    expect(page.locator(".legend").first.locator("li")).to_have_count(3)
    page.get_by_role("heading", name="Each character").click()
    expect(page.get_by_role("region", name="Each character").locator("tbody tr")).to_have_count(
        known
    )
    check_view(page, "model-figures")
    page.get_by_role("link", name="Model card").click()
    expect(page.get_by_role("heading", name="Known limits")).to_be_visible()
    expect(page.locator(".prose pre").first).to_contain_text("archive_scripts")
    check_view(page, "model-card")
    page.goto(f"{visitor.home}/#/models/similarity?part=figures")
    expect(page.get_by_role("heading", name="Distances of pairs")).to_be_visible()


_MATRIX = """async (count) => {
  const { confusionMatrixCard } = await ranjana("views/model/confusion-matrix.js");
  const { loadCharacters } = await ranjana("modules/characters.js");
  const characters = await loadCharacters();
  const names = characters.map(({ character, name }) => ({ short: character, long: name }));
  const row = (actual) => Array.from({ length: count }, (_, read) => (actual === read ? 9 : 0));
  const matrix = Array.from({ length: count }, (_, actual) => row(actual));
  matrix[61][40] = 123;
  document.querySelector(".matrix-frame").closest(".card").remove(); // takes axe as long again
  document.querySelector("main").append(confusionMatrixCard({ matrix }, names, null));
}"""


@pytest.mark.thorough
def test_a_large_confusion_matrix_scrolls_under_its_headings_on_a_phone(phone: Visitor) -> None:
    phone.sign_up("analyst")
    page = phone.open("/models/ranjana?part=figures")
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    page.evaluate(_MATRIX, 62)
    frame = page.get_by_role("region", name="Confusion matrix")
    cell = frame.get_by_role("cell", name="123")
    cell.scroll_into_view_if_needed()
    frame.scroll_into_view_if_needed()
    expect(cell).to_be_in_viewport(ratio=1)
    written, read = frame.locator("tbody th").nth(61), frame.locator("thead th").nth(40)
    for heading, text in ((written, "९"), (read, "उ")):
        expect(heading).to_have_text(text)
        expect(heading).to_be_in_viewport(ratio=0.9)
    boxes = [each.bounding_box() for each in (frame, cell, written, read)]
    outer, wrong, row, column = [box for box in boxes if box]
    assert outer["height"] < 740
    assert abs(row["x"] - outer["x"]) < 2
    assert abs(row["y"] - wrong["y"]) < 2
    assert abs(column["y"] - outer["y"]) < 2
    assert abs(column["x"] - wrong["x"]) < 2
    check_view(page, "model-figures-phone")


def test_uploaded_pictures_are_followed_to_their_results(phone: Visitor) -> None:
    phone.sign_up()
    page = phone.open("/jobs")
    files: list[Any] = [_file(f"letter-{index:02}.png", index) for index in range(2, 62)]
    files.append({"name": "poem.png", "mimeType": "image/png", "buffer": b"no picture at all"})
    page.get_by_label("Pictures, or one zip of them").set_input_files(files)
    expect(page.get_by_text("61 files")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page).to_have_url(re.compile(r"#/jobs/\d+$"))
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    expect(page.get_by_text("60 of 61 pictures read, 1 not readable")).to_be_visible()
    rows = page.get_by_role("region", name="Results").locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.nth(10)).to_contain_text("ड dda")
    expect(rows.nth(38)).to_contain_text("उ u")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("51 to 61 of 61")).to_be_visible()
    page.get_by_label("Not readable").check()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("poem.png")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Results as CSV").click()
    assert len(saved.value.path().read_text().splitlines()) == 62
    check_view(page, "job")

    page.get_by_role("link", name="Jobs").click()
    expect(page.locator(".jobs li")).to_have_count(1)
    page.get_by_label("Pictures, or one zip of them").set_input_files([_zip(3)])
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("3 of 3 pictures read")).to_be_visible()
    page.get_by_role("link", name="Jobs").click()
    expect(page.locator(".jobs li")).to_have_count(2)
    check_view(page, "jobs")


def test_a_scientist_starts_a_tuning_and_cancels_it(visitor: Visitor) -> None:
    visitor.sign_up("data-scientist")
    page = visitor.open("/training")
    check_view(page, "training")
    page.get_by_label("Pictures per epoch").fill("64")
    page.get_by_label("Pictures per step").fill("128")
    page.get_by_role("button", name="Start the training").click()
    pictures = page.get_by_label("Pictures per epoch")
    expect(pictures).to_be_focused()
    expect(pictures).to_have_accessible_description(re.compile("enough for the largest batch"))
    assert take_errors(visitor, 400) == 1
    page.get_by_label("Tuning").check()
    page.get_by_label("Model").select_option("similarity")
    page.get_by_label("Starts from").select_option("scratch")
    expect(page.get_by_label("A small network")).to_be_visible()
    page.get_by_label("Model").select_option("ranjana")
    page.get_by_label("Starts from").select_option("scratch")
    expect(page.get_by_label("A small network")).to_be_hidden()
    page.get_by_label("Number of trials").fill("2")
    requested: list[str] = []

    def cut_short(route: Route) -> None:
        requested.append(route.request.url)
        if len(requested) > 1:
            route.continue_()
        else:
            route.fulfill(content_type="text/event-stream", body=": ping\r\n\r\n")

    page.route("**/api/jobs/*/events/", cut_short)
    page.get_by_role("button", name="Start tuning").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("tuning ranjana$"))
    expect(page.get_by_text("Waiting for its turn.")).to_be_visible()
    # The page reconnects when the stream ends too early.
    wait_for(lambda: page.evaluate("1") == 1 and len(requested) > 1, 20)
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("Its results so far are kept.")).to_be_visible()
    page.get_by_role("group").get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_text("Cancelled", exact=True)).to_be_visible()
    page.get_by_role("link", name="Training").click()
    expect(page.locator(".jobs li")).to_contain_text("Cancelled")
    page.goto(f"{visitor.home}/#/models/ranjana?part=corrections")
    expect(page.get_by_role("button", name="Download the training data")).to_be_visible()


def test_corrections_are_reviewed_beside_their_picture(visitor: Visitor) -> None:
    visitor.sign_up("admin")
    page = visitor.open("/")
    consent = {"training_consent": True}
    visitor.api(page, "PATCH", "/api/me/", json=consent)
    answer = visitor.api(page, "POST", "/api/predict/", json={"image": _data_uri(20)})
    wrong = {"prediction_id": answer["prediction_id"], "actual_class": 40}
    visitor.api(page, "POST", "/api/feedback/", json=wrong)
    page.goto(f"{visitor.home}/#/models/ranjana?part=corrections")
    entry = page.locator(".corrections li").filter(has_text="It was read as प pa.").first
    expect(entry.get_by_role("img", name="The picture that was sent")).to_be_visible()
    entry.get_by_role("button", name="Reject").click()
    expect(entry).to_contain_text("Rejected")
    expect(entry).to_be_focused()
    entry.get_by_role("button", name="Accept").click()
    expect(entry).to_contain_text("Accepted")
    check_view(page, "corrections")
    page.get_by_label("Show").select_option("rejected")
    expect(page.get_by_text("No corrections here.")).to_be_visible()


@pytest.mark.thorough
def test_the_operate_views_are_in_nepali(phone: Visitor) -> None:
    phone.sign_up("admin")
    page = phone.open("/operate")
    choose_language(page, "ne")
    for path in ["/operate", "/models/ranjana?part=release", "/training", "/users", "/audit"]:
        page.goto(f"{phone.home}/#{path}")
        section = page.locator("nav.tabs").first.locator("[aria-current]")
        expect(section).to_have_attribute("href", "#" + path.split("ranjana")[0].rstrip("/"))
        text = page.locator("main").inner_text()
        assert not re.findall(r"\b(?:operate|use|models?|training|users|audit)\.[a-z]\w+", text)
        wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wider) <= 0
    check_view(page, "audit-nepali")


def _answers(visitor: Visitor, page: Page) -> int:
    path = "/api/analytics/system/"
    answers: int = visitor.api(page, "GET", path, query={"model": "ranjana"})["totals"]["answers"]
    return answers


def _data_uri(index: int) -> str:
    return base64.b64encode(encode(reference(index))).decode()


def _file(name: str, index: int) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/png", "buffer": encode(reference(index))}


def _zip(count: int) -> dict[str, Any]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for index in range(count):
            archive.writestr(f"{index}.png", encode(reference(index)))
    return {"name": "letters.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}


@pytest.mark.thorough
def test_dashboards_refresh_by_themselves_while_somebody_looks(visitor: Visitor) -> None:
    username = visitor.sign_up("admin")
    user = visitor.site.sign_in(username)
    page = visitor.open("/operate")
    requests = page.locator(".facts div").filter(has_text="Requests").first.locator("dd")

    def counted() -> int:
        return int(re.sub(r"\D", "", requests.inner_text()))

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    summary = page.get_by_text("All characters, with figures")
    assert user.predict(12).status_code == 200
    wait_for(lambda: counted() > 0, 20)
    summary.click()
    region = page.get_by_role("region", name="All characters, with figures")
    expect(region).to_be_visible()
    page.evaluate("scrollTo(0, 200)")
    before = counted()
    assert user.predict(13).status_code == 200
    wait_for(lambda: counted() > before, 20)
    # What was open, focused and scrolled to stays so.
    expect(region).to_be_visible()
    expect(summary).to_be_focused()
    assert page.evaluate("scrollY") == 200
    # Nobody looks: nothing is asked.
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })"
    )
    page.wait_for_timeout(6000)
    asked.clear()
    page.wait_for_timeout(6000)
    assert asked == []
    before = counted()
    assert user.predict(14).status_code == 200
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    wait_for(lambda: counted() > before, 20)

    page.goto(f"{visitor.home}/#/jobs")
    expect(page.get_by_text("No jobs yet.")).to_be_visible()
    images = [("images", ("1.png", encode(reference(1))))]
    assert user.post("/api/jobs/predict/", files=images).status_code == 202
    expect(page.locator(".jobs li")).to_have_count(1)
    expect(page.locator(".jobs li").first).to_contain_text("Done")
    assert user.post("/api/jobs/predict/", files=images).status_code == 202
    expect(page.locator(".jobs li")).to_have_count(2)


def test_a_model_is_described_in_the_language_of_the_page(visitor: Visitor) -> None:
    page = visitor.open("/models/ranjana?part=card")
    expect(page.get_by_text("It does not read words, printed signs")).to_be_visible()
    choose_language(page, "ne")
    expect(page.get_by_text("तलको पूरा विवरण अङ्ग्रेजीमा छ।")).to_be_visible()
    expect(page.locator("article[lang=en]")).to_be_visible()


def test_digits_are_trained_without_synthetic_handwriting(visitor: Visitor) -> None:
    visitor.sign_up("data-scientist")
    page = visitor.open("/training")
    synthetic = page.get_by_label("Synthetic handwriting")
    page.get_by_label("Model", exact=True).select_option("ranjana")
    expect(synthetic).to_be_visible()
    page.get_by_label("Model", exact=True).select_option("digits")
    expect(synthetic).to_be_hidden()
