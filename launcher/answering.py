"""`python -m launcher.answering` checks whether TorchServe of a launcher on this machine answers.

For the health checks of containers. Exit status 0 from when all models have answered their first
picture until TorchServe stops; 1 before, after, and during a restart. It imports little, because it
runs often.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

_TIMEOUT_SECONDS = 4.0


def main() -> int:
    """Returns the exit status."""
    data = Path(os.environ.get("DATA_DIR", "data"))
    try:
        running = json.loads((data / "running.json").read_text())
        request = Request(f"{running['torchserve_inference_url']}ping")  # noqa: S310
        if keys := running["torchserve_key_file"]:
            token = json.loads(Path(keys).read_text())["inference"]["key"]
            request.add_header("Authorization", f"Bearer {token}")
        with urlopen(request, timeout=_TIMEOUT_SECONDS):  # noqa: S310
            return 0
    except (OSError, ValueError, KeyError) as error:
        print(f"TorchServe does not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
