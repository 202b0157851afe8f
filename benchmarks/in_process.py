"""What the older systems did: one Starlette route that runs the eager model in process.

`python -m benchmarks.in_process PORT`. The preprocessing and the answer are those of the real
service, so that the comparison is of the serving alone.
"""

from __future__ import annotations

import sys

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from archive_scripts.archives import ROOT
from archive_scripts.networks import load_network
from handlers.characters import CHARACTERS
from handlers.preprocessing import preprocess
from handlers.reading import describe

_network = load_network(ROOT / "weights" / "recognition.safetensors")


async def predict(request: Request) -> JSONResponse:
    """One image at a time: nothing else is answered meanwhile."""
    form = await request.form()
    image = preprocess(await form["image"].read())
    with torch.inference_mode():
        ink = torch.from_numpy(image.ink)[None, None].float() / 255
        probabilities = torch.softmax(_network(ink), dim=1)[0].double().numpy()
    return JSONResponse(describe(image, probabilities, CHARACTERS))


app = Starlette(routes=[Route("/predict", predict, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
