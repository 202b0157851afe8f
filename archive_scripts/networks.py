"""The networks that are trained here, and how their weights are kept on disk."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from archive_scripts.torchvision_import import efficientnet_b0


def recognition_network(classes: int = 36) -> nn.Module:
    """EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) for one-channel images.

    Takes float32 of shape (batch, 1, 64, 64), ink 1.0 on 0.0; answers logits of shape
    (batch, `classes`). 4.05 M parameters for 36 classes.
    """
    network: nn.Module = efficientnet_b0(num_classes=classes)
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


def save_weights(network: nn.Module, path: Path) -> None:
    """Writes the weights as safetensors, floating-point ones in half precision."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """Fills `network` (float32) with the weights at `path` and puts it in evaluation mode."""
    tensors = {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in load_file(path).items()
    }
    network.load_state_dict(tensors)
    return network.eval()
