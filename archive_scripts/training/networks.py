"""The networks, and their files of weights (safetensors)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from handlers.characters import CHARACTERS, DIGITS


def efficientnet(outputs: int) -> nn.Module:
    """EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) for one-channel images.

    Takes float32 of shape (batch, 1, 64, 64), ink 1.0 on 0.0. Returns (batch, `outputs`).
    4.09 M parameters for 63 outputs.
    """
    # Importing torchvision takes two seconds, and the other networks do without.
    from archive_scripts.training.torchvision_import import efficientnet_b0

    network: nn.Module = efficientnet_b0(num_classes=outputs)
    three_channel_stem = network.features[0][0]
    network.features[0][0] = nn.Conv2d(
        1,
        three_channel_stem.out_channels,
        three_channel_stem.kernel_size,
        three_channel_stem.stride,
        three_channel_stem.padding,
        bias=False,
    )
    return network.to(memory_format=torch.channels_last)


def small_network(outputs: int) -> nn.Module:
    """A plain stack of convolutions for the same images; 0.42 M parameters for 63 outputs.

    Batch normalisation and ReLU follow each convolution. The maps are halved four times to 4x4,
    then averaged.
    """
    return nn.Sequential(
        _convolution(1, 24, stride=2),
        _convolution(24, 32),
        nn.MaxPool2d(2),
        _convolution(32, 64),
        _convolution(64, 64),
        nn.MaxPool2d(2),
        _convolution(64, 96),
        _convolution(96, 128),
        nn.MaxPool2d(2),
        _convolution(128, 160),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(160, outputs),
    ).to(memory_format=torch.channels_last)


def digit_network(outputs: int) -> nn.Module:
    """A plain stack of convolutions for digits; 0.51 M parameters for ten classes.

    Takes float32 of shape (batch, 1, 28, 28), ink 1.0 on 0.0. The maps are halved three times to
    4x4, then averaged.
    """
    return nn.Sequential(
        _convolution(1, 32),
        _convolution(32, 32),
        nn.MaxPool2d(2),
        _convolution(32, 64),
        _convolution(64, 64),
        nn.MaxPool2d(2),
        _convolution(64, 128),
        _convolution(128, 128),
        _convolution(128, 192, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(192, outputs),
    ).to(memory_format=torch.channels_last)


def _convolution(channels: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


NETWORKS: dict[str, Callable[[int], nn.Module]] = {
    "efficientnet_b0": efficientnet,
    "small": small_network,
    "digits": digit_network,
}
"""Builds each network, by name, for a number of outputs."""

OUTPUTS = {"recognition": len(CHARACTERS) + 1, "similarity": 127, "digits": len(DIGITS)}
"""Outputs of each handler's network: classes, for recognition with one for none of them; or the
dimensions of an embedding less the one that calibration adds (128 in all)."""


DEFAULT_NETWORKS = {
    "recognition": "small",
    "similarity": "efficientnet_b0",
    "digits": "digits",
}
"""The network of each handler's model, in `NETWORKS`."""


def halves(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """Cuts a network of `NETWORKS` where its maps are 8x8 (7x7 for digits).

    The first half maps images to (batch, channels, 8, 8), the second half those to the outputs.
    """
    if isinstance(network, nn.Sequential):
        return network[:8], network[8:]
    features = network.features
    return features[:4], nn.Sequential(
        features[4:], network.avgpool, nn.Flatten(), network.classifier
    )


@dataclass(frozen=True)
class Weights:
    """The metadata of a file of weights."""

    network: str
    """A name in `NETWORKS`."""
    outputs: int
    """Number of classes, or of dimensions of an embedding less one."""
    temperature: float = 1.0
    """Divides logits before softmax (Guo et al. 2017, arXiv:1706.04599)."""
    scale: float = 1.0
    """Multiplies distances between embeddings, 0-1."""


def save_weights(network: nn.Module, weights: Weights, path: Path) -> None:
    """Writes weights and metadata as safetensors, floating-point tensors in half precision."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {name: str(value) for name, value in asdict(weights).items()})


def describe_weights(path: Path) -> Weights:
    """Reads the metadata of the file at `path`. Raises ValueError if it has none."""
    try:
        with safe_open(path, "pt") as file:
            found = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} has no weights: {error}") from None
    try:
        return Weights(
            found["network"],
            int(found["outputs"]),
            float(found["temperature"]),
            float(found["scale"]),
        )
    except KeyError as error:
        raise ValueError(f"{path} does not say its {error}") from None


def load_network(path: Path) -> nn.Module:
    """Loads the network of the weights at `path`, float32, in evaluation mode."""
    weights = describe_weights(path)
    network = NETWORKS[weights.network](weights.outputs)
    network.load_state_dict(_tensors(path))
    return network.eval()


def build_network(name: str, outputs: int, start: Path | None) -> nn.Module:
    """Builds a network of `NETWORKS`, with the weights at `start` where they fit."""
    network = NETWORKS[name](outputs)
    if start is not None:
        start_from(network, start)
    return network


def start_from(network: nn.Module, path: Path) -> None:
    """Copies the weights at `path` into `network` where name and shape agree.

    Raises ValueError if none agree.
    """
    own = network.state_dict()
    common = {
        name: tensor
        for name, tensor in _tensors(path).items()
        if name in own and own[name].shape == tensor.shape
    }
    if not common:
        raise ValueError(f"{path} has nothing in common with this network")
    network.load_state_dict(common, strict=False)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(path).items()
    }
