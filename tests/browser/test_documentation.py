"""The page of the API documentation in a browser."""

from __future__ import annotations

from playwright.sync_api import Browser, Request

from tests.support.pictures import encode, reference
from tests.support.running import Ranjana


def test_a_picture_can_be_sent_from_the_page_and_nothing_comes_from_elsewhere(
    ranjana: Ranjana, browser: Browser
) -> None:
    home = f"http://127.0.0.1:{ranjana.port}"
    page = browser.new_page()
    requests: list[Request] = []
    errors: list[str] = []
    page.on("request", lambda request: requests.append(request))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: errors.append(message.text) if message.type == "error" else None,
    )
    page.goto(f"{home}/docs")
    page.get_by_text("Recognises one character or digit.").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_label("Request content type").select_option("multipart/form-data")
    page.locator("input[type=file]").set_input_files(
        {"name": "dda.png", "mimeType": "image/png", "buffer": encode(reference(12))}
    )
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response .microlight").first
    answer.wait_for(timeout=20_000)
    assert '"predicted_class": 12' in answer.inner_text()
    assert errors == []
    assert {request.url.split("/", 3)[2] for request in requests if "data:" not in request.url} == {
        home.removeprefix("http://")
    }
    page.close()
