"""A server like the older systems: Flask under gunicorn (`gunicorn benchmarks.rivals.eager:app`).

It runs the eager model in its own process, one image at a time. Preprocessing and response are
those of the service, because only the serving is compared.
"""

from __future__ import annotations

import torch
from flask import Flask, Response, jsonify, request

from archive_scripts.archives.building import ROOT
from archive_scripts.training.networks import load_network
from handlers.characters import CHARACTERS
from handlers.drawing import png_data_uri
from handlers.preprocessing import preprocess
from handlers.recognition import RecognitionHandler

_handler = RecognitionHandler()
_network = load_network(ROOT / "weights" / "recognition.safetensors")

app = Flask(__name__)


@app.post("/api/predict/")
def predict() -> Response:
    """Reads one image; this process handles no other request meanwhile."""
    image = preprocess(request.files["image"].read())
    with torch.inference_mode():
        ink = torch.from_numpy(image.ink)[None, None].float() / 255
        probabilities = torch.softmax(_network(ink), dim=1)[0].double().numpy()
    return jsonify(
        **_handler.likeliest(probabilities, CHARACTERS),
        processed_image=png_data_uri(image.ink),
        probabilities=probabilities.round(6).tolist(),
    )
