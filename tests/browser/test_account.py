"""Signing up, in and out; sessions; the account."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import Visitor, check_view, choose_language, take_errors, visit
from tests.support.apis import PASSWORD, Api
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana, wait_for

COMPARE = """async (index) => {
    const { fetchBlob, request } = await ranjana("modules/api.js");
    const form = new FormData();
    form.append("image", await fetchBlob(`/api/characters/${index}/reference/`), "drawing.png");
    form.append("target_class", index);
    return request("POST", "/api/similarity/", { form });
}"""
"""Compares the reference of a character with itself, from the page."""


@pytest.fixture(scope="module")
def strict_site(ranjana: Ranjana, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A service whose access tokens live for 2 seconds, and which allows two wrong passwords."""
    environment = {
        "WEB_ACCESS_TOKEN_SECONDS": "2",
        "RATE_LIMIT_ENABLED": "true",
        "RATE_LIMIT_SIGNIN": "1000/minute",
        "FAILED_SIGNINS_ACCOUNT": "2/hour",
    }
    running = Api(tmp_path_factory.mktemp("strict"), ranjana, environment=environment)
    yield running.wait_until_alive()
    running.stop()


@pytest.fixture
def guest(browser: Browser, strict_site: Api) -> Iterator[Visitor]:
    """A visitor of that service."""
    with visit(browser, strict_site) as visitor:
        yield visitor


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    page.get_by_label("Username or e-mail address").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()


def test_sign_up_history_export_and_deletion_work_with_the_keyboard_alone(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.open("/sign-up?next=/history%3Fkind%3Dcompared")
    check_view(page, "sign-up")
    page.locator("main").focus()
    for text in ("Sunita", "sunita@example.org", PASSWORD):
        page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing compared yet.")).to_be_visible()
    expect(page.get_by_role("link", name="Sunita")).to_be_visible()
    assert page.url.endswith("#/history?kind=compared")

    page.evaluate(COMPARE, 12)
    page.reload()
    item = page.get_by_role("listitem").filter(has_text="dda")
    expect(item.get_by_role("img", name="Your writing overlaid on the reference")).to_be_visible()
    item.get_by_role("button", name="Look closer").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    for picture in ("Your writing", "Reference", "Your writing overlaid on the reference"):
        expect(dialog.get_by_role("img", name=picture, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(item.get_by_role("button", name="Look closer")).to_be_focused()

    with page.expect_download() as saving:
        page.get_by_role("button", name="Download JSON").press("Enter")
    saving.value.save_as(tmp_path / "history.json")
    (entry,) = json.loads((tmp_path / "history.json").read_text())["similarities"]
    assert entry["compared_with_class"] == 12

    page.get_by_role("link", name="Sunita").press("Enter")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download everything").press("Enter")
    expect(page.get_by_text("ranjana-account-")).to_be_visible()
    saving.value.save_as(tmp_path / "account.zip")
    with zipfile.ZipFile(tmp_path / "account.zip") as archive:
        (comparison,) = json.loads(archive.read("history.json"))["similarities"]
        assert f"pictures/similarities/{comparison['id']}-overlay.png" in archive.namelist()
    page.get_by_text("I want to leave").press("Enter")
    typed = page.get_by_label("Type your username to confirm")
    typed.fill("Somebody")
    typed.press("Enter")
    expect(page.get_by_text("That is not your username.")).to_be_visible()
    typed.fill("Sunita")
    typed.press("Enter")
    expect(page.get_by_role("heading", name="Write your first Ranjana letter")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in").first).to_be_visible()
    fields = {"username": "Sunita", "password": PASSWORD}
    assert visitor.site.client.post("/api/signin/", json=fields).status_code == 401
    # The browser keeps the device, which names nobody.
    assert [cookie["name"] for cookie in visitor.context.cookies()] == ["ranjana_device"]


def test_errors_are_shown_at_their_fields_and_typed_values_are_kept(
    phone: Visitor,
) -> None:
    taken = phone.site.sign_up().username
    page = phone.open("/sign-up")
    submit = page.get_by_role("button", name="Sign up")
    name, address = page.get_by_label("Username"), page.get_by_label("E-mail address")
    password = page.get_by_label("Password", exact=True)

    def refused(field: str, words: str) -> None:
        submit.click()
        label = page.get_by_label(field, exact=True)
        expect(label).to_be_focused()
        expect(label).to_have_attribute("aria-invalid", "true")
        expect(label).to_have_accessible_description(words)

    rules = "3 to 30 characters: letters of one script (Latin or Devanagari), digits, and . _ -"
    refused("Username", f"{rules} This field is required.")
    name.fill(taken)
    address.fill("nowhere")
    password.fill("password1")
    refused("Username", f"{rules} This username is taken.")
    # Everything that is wrong is said at once.
    expect(address).to_have_accessible_description("This is not an e-mail address.")
    expect(password).to_have_accessible_description(
        "At least 8 characters, and not a common one. A few words are good. "
        "This is one of the most common passwords, which are guessed first."
    )
    check_view(page, "sign-up-refused-phone")
    address.fill("somebody@example.org")
    password.fill(PASSWORD)
    refused("Username", f"{rules} This username is taken.")
    name.fill("m")
    refused("Username", f"{rules} 3 to 30 characters, please.")
    name.fill("somebody")
    submit.click()
    expect(page.get_by_role("heading", name="Practise", exact=True)).to_be_visible()
    assert take_errors(phone, 400) == 2
    assert take_errors(phone, 409) == 1


def test_a_wrong_password_counts_once_and_too_many_name_the_time_to_wait(
    guest: Visitor,
) -> None:
    user = guest.site.sign_up()
    page = guest.open("/sign-in?next=/account")
    sign_in(page, user.username, "not the password")
    expect(page.get_by_text("The username or the password is wrong.")).to_be_visible()
    sign_in(page, user.email)
    expect(page.get_by_role("heading", name="Account", exact=True)).to_be_visible()
    page.get_by_label("New password", exact=True).fill("another quiet river")
    for said in ("The old password is wrong.", "The old password is wrong.", "Too many wrong"):
        page.get_by_label("Old password", exact=True).fill("not the password")
        page.get_by_role("button", name="Change password").click()
        expect(page.locator("form").filter(has_text=said)).to_be_visible()
        page.get_by_label("Old password", exact=True).fill("")
        expect(page.locator("form").filter(has_text="The old password")).to_have_count(0)
    expect(page.get_by_text("please wait 60 minutes")).to_be_visible()
    assert take_errors(guest, 401) >= 1
    assert take_errors(guest, 403) == 2
    assert take_errors(guest, 429) == 1


def test_expired_access_tokens_are_renewed_and_scripts_find_no_token(
    guest: Visitor,
) -> None:
    guest.sign_up()
    requested: list[str] = []
    tokens: list[str] = []

    def note(request: Request) -> None:
        if "/api/" in request.url and "reference" not in request.url:
            requested.append(request.url.removeprefix(guest.home))
            tokens.extend(filter(None, [request.headers.get("authorization")]))

    def expired() -> bool:
        headers = {"Authorization": tokens[-1]}
        return guest.site.client.get("/api/me/", headers=headers).status_code == 401

    guest.context.on("request", note)
    clock = guest.context.clock
    clock.set_fixed_time(datetime.now())  # the page never sees a token expire
    page = guest.open("/progress")
    wait_for(expired, 10)
    take_errors(guest, 401)
    before = len(requested)
    page.get_by_role("link", name="History, with your pictures").click()
    expect(page.get_by_text("Nothing recognised yet.")).to_be_visible()
    assert take_errors(guest, 401) >= 1
    assert "/api/web-session/refresh/" in requested[before:]
    wait_for(expired, 10)
    before = len(requested)
    clock.set_fixed_time(datetime.now())  # now the page sees the expiry itself
    page.get_by_role("link", name="Compared").click()
    expect(page.get_by_text("Nothing compared yet.")).to_be_visible()
    assert requested[before] == "/api/web-session/refresh/"
    take_errors(guest, 401)

    stored = page.evaluate(
        """async () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie,
            await caches.keys(), history.state, name,
            await (await ranjana("modules/attempt-store.js")).attemptsOf(null)])"""
    )
    identity = guest.api(page, "GET", "/api/me/")["id"]
    settings = {"ranjana-signed-in": "yes", "ranjana-user": str(identity)}
    assert json.loads(stored) == [settings, {}, "", [], None, "", []]
    cookies = guest.context.cookies(f"{guest.home}/api/web-session/refresh/")
    assert {cookie["name"] for cookie in cookies} == {"ranjana_session", "ranjana_device"}
    for cookie in cookies:
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert not guest.context.cookies(f"{guest.home}/api/me/")


def test_two_tabs_sign_in_and_out_together_and_renew_at_the_same_time(
    visitor: Visitor,
) -> None:
    user = visitor.site.sign_up()
    first, second = visitor.open("/sign-in?next=/progress"), visitor.open("/progress")
    expect(second.get_by_role("heading", name="Please sign in")).to_be_visible()
    sign_in(first, user.username)
    for page in (first, second):
        expect(page.get_by_role("heading", name="Your progress")).to_be_visible()

    begin = """async () => {
        const { accessToken, renewAccess } = await ranjana("modules/session.js");
        window.renewed = accessToken().then(renewAccess);
    }"""
    for page in (first, second, first):
        page.evaluate(begin)
    for page in (first, second):
        assert page.evaluate("window.renewed")
    second.evaluate(begin)
    second.reload()  # the response is lost, and the cookie with it
    first.reload()
    for page in (first, second):
        expect(page.get_by_role("heading", name="Your progress")).to_be_visible()

    first.goto(f"{visitor.home}/#/account")
    first.get_by_label("New username").fill(f"{user.username}.second")
    first.get_by_role("button", name="Change username").click()
    expect(first.get_by_text("Your username is changed.")).to_be_visible()
    expect(second.get_by_role("link", name=f"{user.username}.second")).to_be_visible()
    first.get_by_role("button", name="Sign out").click()
    for page in (first, second):
        expect(page.get_by_role("heading", name="Please sign in")).to_be_visible()


def test_a_session_ended_elsewhere_leads_to_sign_in_and_back(visitor: Visitor) -> None:
    username = visitor.sign_up()
    page = visitor.open("/history?kind=compared")
    elsewhere = visitor.site.sign_in(username)
    passwords = {"old_password": PASSWORD, "new_password": "another quiet river"}
    assert elsewhere.post("/api/change-password/", json=passwords).status_code == 200
    page.get_by_role("link", name="Progress").click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    check_view(page, "sign-in")
    assert take_errors(visitor, 401) >= 2  # for the access token and for the cookie
    sign_in(page, username, "another quiet river")
    expect(page.get_by_role("heading", name="Your progress")).to_be_visible()


def test_sessions_are_ended_and_keys_created_and_deleted(visitor: Visitor) -> None:
    username = visitor.sign_up()
    elsewhere = visitor.site.sign_in(username)
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.open("/account")
    expect(page.get_by_role("listitem").filter(has_text="here")).to_contain_text("Chrome on Linux")
    end = page.get_by_role("listitem").filter(has_text="python-httpx").first
    end.get_by_role("button", name="End").click()
    end.get_by_role("button", name="Cancel").press("Escape")
    assert elsewhere.get("/api/me/").status_code == 200
    page.get_by_role("button", name="End all others").click()
    page.get_by_role("button", name="Really end all others?").click()
    expect(page.get_by_text("Signed out there.")).to_be_visible()
    expect(page.get_by_role("heading", name="Where you are signed in")).to_be_focused()
    assert elsewhere.get("/api/me/").status_code == 401

    page.get_by_text("Create a key").click()
    page.get_by_label("What is it for?").fill("the robot")
    page.get_by_role("button", name="Create the key").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    headers = {"X-API-Key": page.evaluate("navigator.clipboard.readText()")}
    files = {"image": encode(reference(3))}
    client = visitor.site.client
    assert client.post("/api/predict/", headers=headers, files=files).status_code == 200
    check_view(page, "account")
    key = page.get_by_role("listitem").filter(has_text="the robot")
    expect(key).to_contain_text("Recognise and compare")
    key.get_by_role("button", name="Delete").click()
    key.get_by_role("button", name="Really delete?").click()
    expect(page.get_by_text("It no longer works.")).to_be_visible()
    expect(key).to_have_count(0)
    assert client.post("/api/predict/", headers=headers, files=files).status_code == 401


@pytest.mark.thorough
def test_the_account_in_nepali_on_a_phone(phone: Visitor) -> None:
    phone.sign_up()
    page = phone.open("/account")
    choose_language(page, "ne")
    expect(page.get_by_role("heading", name="खाता", exact=True)).to_be_visible()
    check_view(page, "account-phone")
    zone = page.get_by_label("समय क्षेत्र")
    zone.fill("Mars/Olympus")
    page.get_by_role("button", name="सुरक्षित गर्नुहोस्").click()
    expect(zone).to_be_focused()
    expect(page.get_by_text("यस्तो समय क्षेत्र छैन।")).to_be_visible()
    zone.fill("Asia/Kathmandu")
    page.get_by_label("मेरा तस्बिर").check()
    page.get_by_role("button", name="सुरक्षित गर्नुहोस्").click()
    expect(page.get_by_text("सुरक्षित भयो।")).to_be_visible()
    me = phone.api(page, "GET", "/api/me/")
    assert (me["timezone"], me["training_consent"]) == ("Asia/Kathmandu", True)
    assert take_errors(phone, 400) == 1
