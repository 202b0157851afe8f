"""The store of the pictures, S3, is down or does not answer."""

from __future__ import annotations

import time

import pytest

from tests.faults.callers import calling
from tests.faults.conftest import Beside, Row
from tests.operations.test_cleanup import clean_up
from tests.support.s3 import S3Bucket, S3Server

# Pictures per entry of the history.
_PICTURES = {"predictions": 1, "similarities": 3}
# A store that hangs is given 5 s.
_SHORT_SECONDS = {"stopped": 2, "hanging": 6}


@pytest.mark.parametrize("fault", ["stopped", "hanging"])
@pytest.mark.thorough
def test_without_s3_nothing_is_lost_or_left_and_others_go_on(
    beside: Beside, s3: S3Server, bucket: S3Bucket, row: Row, full: bool, fault: str
) -> None:
    api, seconds = beside(**bucket.settings), 10 if full else _SHORT_SECONDS[fault]
    deleted, leaving = api.sign_up(), api.sign_up()
    leaving.predict()
    entry = deleted.predict().json()["prediction_id"]
    with calling(f"http://127.0.0.1:{api.port}") as callers:
        callers.wait_until_answered(time.monotonic())
        ready = api.client.get("/ready").status_code
        with getattr(s3, fault)():
            began = time.monotonic()
            # The entry goes; its picture goes with a clean-up.
            path = f"/api/history/predictions/{entry}/"
            assert deleted.get(f"{path}image/").json()["code"] == "storage_unavailable"
            assert deleted.delete(path).status_code == 200
            assert deleted.get(path).status_code == 404
            assert leaving.delete("/api/me/").status_code in {200, 204}
            assert leaving.get("/api/me/").status_code == 401
            # No balancer takes it away.
            assert api.client.get("/ready").status_code == ready
            time.sleep(max(0, began + seconds - time.monotonic()))
        fault_end = time.monotonic()
        callers.wait_until_answered(fault_end)
        row(f"S3 {fault} for {seconds} s", callers, fault_end)
    assert {call.code for call in callers.calls if call.status != 200} == {"storage_unavailable"}
    # Who keeps nothing needs no store.
    unkept = [call for call in callers.calls if call.caller in {"anonymous", "listing"}]
    assert {call.status for call in unkept} == {200}
    assert any(began < call.began < fault_end - 1 for call in unkept)
    clean_up(api, "--orphans-after", "0")
    kept = sum(_PICTURES[path.split("/")[3]] for path in callers.saved)
    assert len(bucket.objects()) == kept
    assert "Traceback" not in api.log.read_text()
