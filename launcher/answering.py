"""`python -m launcher.answering` asks whether the TorchServe of a launcher on this machine answers.

For the health checks of containers: exit status 0 once all models have read their first picture,
until it stops; 1 before, after, and while TorchServe is started anew. It loads little, for it is
asked often.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from urllib.request import Request, urlopen

_SECONDS = 4.0


def main() -> int:
    """Answers the exit status."""
    data = Path(os.environ.get("DATA_DIR", "data"))
    try:
        running = json.loads((data / "running.json").read_text())
        request = Request(f"{running['torchserve_inference_url']}ping")  # noqa: S310
        if keys := running["torchserve_key_file"]:
            token = json.loads(Path(keys).read_text())["inference"]["key"]
            request.add_header("Authorization", f"Bearer {token}")
        with urlopen(request, timeout=_SECONDS):  # noqa: S310
            return 0
    except (OSError, ValueError, KeyError) as error:
        print(f"TorchServe does not answer: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
