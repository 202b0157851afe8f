"""Models, their figures and their archives over HTTP."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import httpx2
import numpy as np
import pytest
from PIL import Image

from archive_scripts.archives.building import ROOT
from archive_scripts.evaluation.figures import read_figures
from tests.authorisation.test_access import sql
from tests.support.apis import Api, User
from tests.support.archives import STORE

MODELS = {
    name: len(read_figures(ROOT / "weights" / f"{weights}.json")["per_class"])
    for name, weights in {
        "ranjana": "recognition",
        "similarity": "similarity",
        "digits": "digits",
    }.items()
}
"""The classes that each model was measured on."""
PNG = {"Accept": "image/png"}


@pytest.fixture
def scientist(api: Api, user: User) -> User:
    sql(api, "UPDATE users SET role = 'data-scientist' WHERE username = $1", user.username)
    return user


def figures(user: User, model: str, what: str, **options: Mapping[str, str]) -> httpx2.Response:
    return user.get(f"/api/models/{model}/{what}/", **options)


def test_anyone_sees_the_models(api: Api) -> None:
    listed = api.client.get("/api/models/").json()["models"]
    assert [model["name"] for model in listed] == list(MODELS)
    for model in listed:
        assert (model["state"], model["default"]) == ("ready", "1.0")
        assert model["traffic"] == {"1.0": 100}
        (version,) = model["versions"]
        archive = STORE / f"{model['name']}.mar"
        assert version["archive"] == archive.name
        assert version["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
        assert version["workers_ready"] == version["workers"] > 0
        assert version["batch_size"] == 2
        assert version["figures"]["pictures"] > 0
        assert model["card"].startswith("# Model card")
        one = api.client.get(f"/api/models/{model['name']}/").json()
        assert {**one, "versions": []} == {"success": True, **model, "versions": []}
    status = api.client.get("/api/models/status/").json()
    assert status["models"] == dict.fromkeys(MODELS, "ready")


@pytest.mark.parametrize(("model", "classes"), MODELS.items())
@pytest.mark.database("sqlite")
@pytest.mark.thorough("similarity", "digits")
def test_figures_come_as_json_and_as_pictures(scientist: User, model: str, classes: int) -> None:
    metrics = figures(scientist, model, "metrics").json()
    assert (metrics["model"], metrics["version"]) == (model, "1.0")
    assert "never saw" in metrics["data"]
    assert len(metrics["per_class"]) == classes
    confusion = figures(scientist, model, "confusion-matrix").json()
    matrix = np.array(confusion["matrix"])
    assert matrix.shape == (classes, classes) == (len(confusion["labels"]),) * 2
    assert 0 < matrix.sum() <= confusion["pictures"]
    assert np.trace(matrix) > 0.9 * confusion["pictures"]
    pairs = figures(scientist, model, "confused-pairs").json()["pairs"]
    assert pairs
    assert [pair["share"] for pair in pairs] == sorted((p["share"] for p in pairs), reverse=True)
    for pair in pairs:
        one, other = pair["classes"]
        confused = matrix[one, other] + matrix[other, one]
        assert confused > 0
        assert pair["share"] == pytest.approx(confused / (matrix[one].sum() + matrix[other].sum()))
    roc = figures(scientist, model, "roc-curve").json()
    curves = [roc["verification"]] if model == "similarity" else [roc["macro"], *roc["classes"]]
    assert len(curves) == (1 if model == "similarity" else classes + 1)
    for curve in curves:
        points = np.array(curve["points"])
        assert points.shape[1] == 2
        assert ((points >= 0) & (points <= 1)).all()
        assert (np.diff(points, axis=0) >= 0).all()
        assert 0.5 < curve["auc"] <= 1
    # Those of digits are drawn as those of characters are.
    for what in ("metrics", "confusion-matrix", "roc-curve") if model != "digits" else ():
        drawn = figures(scientist, model, what, headers=PNG)
        assert drawn.headers["content-type"] == "image/png", drawn.text
        picture = Image.open(io.BytesIO(drawn.content))
        assert min(picture.size) > 300
        assert np.asarray(picture.convert("L")).std() > 10
        assert figures(scientist, model, what, headers=PNG).content == drawn.content


def test_an_archive_is_downloaded_with_its_checksum(api: Api, scientist: User) -> None:
    content = (STORE / "digits.mar").read_bytes()
    sent = scientist.get("/api/models/digits/export/?version=1.0")
    assert sent.content == content
    assert sent.headers["X-Checksum-SHA256"] == hashlib.sha256(content).hexdigest()
    assert 'filename="digits-1.0.mar"' in sent.headers["Content-Disposition"]
    rest = scientist.get("/api/models/digits/export/", headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, content[100:])
    newest = sql(api, "SELECT action FROM audit_log ORDER BY id DESC LIMIT 1")
    assert newest == [("model_exported",)]


@pytest.mark.parametrize("what", ["metrics", "confusion-matrix", "roc-curve", "export"])
@pytest.mark.database("sqlite")
def test_unknown_models_and_versions_are_a_404(scientist: User, what: str) -> None:
    for path, code in (
        (f"nothing/{what}/", "model_not_found"),
        (f"ranjana/{what}/?version=7.7", "version_not_found"),
    ):
        response = scientist.get(f"/api/models/{path}")
        assert (response.status_code, response.json()["code"]) == (404, code)
    wrong = scientist.get(f"/api/models/ranjana/{what}/?version=../../x")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "validation_failed")
