"""The networks that are trained here, and how their weights are kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from archive_scripts.training.torchvision_import import efficientnet_b0
from handlers.characters import CHARACTERS, DIGITS


def efficientnet(outputs: int) -> nn.Module:
    """EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) for one-channel images.

    Takes float32 of shape (batch, 1, 64, 64), ink 1.0 on 0.0; answers (batch, `outputs`).
    4.05 M parameters for 36 outputs.
    """
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
    """A plain stack of convolutions for the same images, 0.42 M parameters for 36 classes.

    Each is followed by batch normalisation and ReLU; the maps are halved four times, down to
    4x4, and averaged.
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
    """A plain stack of convolutions for digits, 0.87 M parameters for ten.

    Takes float32 of shape (batch, 1, 28, 28), ink 1.0 on 0.0. The maps are halved twice, to 7x7,
    and averaged.
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
"""The networks by name; each is made from its number of outputs."""


OUTPUTS = {"recognition": len(CHARACTERS), "similarity": 127, "digits": len(DIGITS)}
"""Of the network of each handler: classes, or with the one that calibrates distances, the
dimensions of an embedding, 128."""


def halves(network: nn.Module) -> tuple[nn.Module, nn.Module]:
    """A network of `NETWORKS` cut where its maps are 8x8, for digits 7x7: from the image to the
    maps, shape (batch, channels, 8, 8), and from there to its outputs.
    """
    if isinstance(network, nn.Sequential):
        return network[:8], network[8:]
    features = network.features
    return features[:4], nn.Sequential(
        features[4:], network.avgpool, nn.Flatten(), network.classifier
    )


@dataclass(frozen=True)
class Weights:
    """What a file of weights says about itself."""

    network: str
    """A name in `NETWORKS`."""
    outputs: int
    """Number of classes, or of the dimensions of an embedding less one."""
    temperature: float = 1.0
    """What logits are divided by before they become probabilities (Guo et al. 2017,
    arXiv:1706.04599)."""
    scale: float = 1.0
    """What distances between embeddings are multiplied by, 0-1."""


def save_weights(network: nn.Module, weights: Weights, path: Path) -> None:
    """Writes the weights as safetensors, floating-point ones in half precision."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {name: str(value) for name, value in asdict(weights).items()})


def describe_weights(path: Path) -> Weights:
    """Reads what the file at `path` says about itself. Raises ValueError where it says nothing."""
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
    """Builds the network that the weights at `path` are for, float32, in evaluation mode."""
    weights = describe_weights(path)
    network = NETWORKS[weights.network](weights.outputs)
    network.load_state_dict(_tensors(path))
    return network.eval()


def start_from(network: nn.Module, path: Path) -> None:
    """Fills what `network` has in common, by name and shape, with the weights at `path`.

    Raises ValueError where that is nothing.
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
