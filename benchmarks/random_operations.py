"""What random networks are made of: functions of every number, and of positions."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Step = Callable[..., Tensor]
"""A function of maps, or of a network and maps."""

ACTIVATIONS: tuple[Step, ...] = (
    torch.relu,
    functional.relu6,
    torch.tanh,
    torch.sigmoid,
    functional.softplus,
    functional.gelu,
    lambda x: x.clamp(min=0),
    lambda x: x.clone().clamp_(-1, 1),
    lambda x: functional.leaky_relu(x, 0.1, inplace=False),
    lambda x: x * torch.sigmoid(x),
    lambda x: x * functional.relu6(x + 3) / 6,
    lambda x: torch.where(x > 0, x, 0.2 * x),
    lambda x: torch.maximum(x, 0.1 * x),
    lambda x: x,
    lambda x: x + 1,
)

POSITIONS: tuple[Step, ...] = (
    lambda x: functional.pad(x, (1, 1, 1, 1)),
    lambda x: functional.pad(x, (1, 0, 0, 1), value=0.5),
    lambda x: functional.pad(x, (1, 1, 1, 1), mode="reflect"),
    lambda x: functional.interpolate(x, scale_factor=2, mode="nearest"),
    lambda x: functional.interpolate(x, size=(6, 6), mode="bilinear"),
    lambda x: functional.avg_pool2d(x, 2),
    lambda x: functional.max_pool2d(x, 3, 1, 1),
    lambda x: functional.max_pool2d(x, 2, return_indices=True)[0],
    lambda x: functional.adaptive_avg_pool2d(x, (5, 4)),
    lambda x: x.flip(-1),
    lambda x: torch.roll(x, 1, 2),
    lambda x: x[:, :, ::2, 1:],
    lambda x: x[..., 1:, :],
    lambda x: x.transpose(2, 3),
    lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, -1, 1, 2),
    lambda x: x.flatten(2).view(x.size(0), x.size(1), *x.shape[2:]),
    lambda x: x.reshape(len(x), -1).view_as(x),
    lambda x: x.unsqueeze(1).squeeze(1),
    lambda x: x - x.mean((2, 3), keepdim=True),
    lambda x: x * x.flatten(2).softmax(-1).view_as(x),
    lambda x: x * torch.sigmoid(x.mean(1, keepdim=True)),
    lambda x: functional.normalize(x, dim=1),
    lambda x: x / (1 + x.abs().amax((2, 3), keepdim=True)),
    lambda x: x.repeat_interleave(2, dim=2),
    lambda x: 2 * x + x,
    lambda x: torch.cat([x, x], 1),
    lambda x: torch.cat([x, x.new_zeros(len(x), 2, *x.shape[2:])], dim=-3),
    lambda x: functional.pad(x, (0, 0, 0, 0, 1, 2)),
)


class Frozen(nn.Module):
    """A batch normalisation whose parameters are buffers, as detection networks have it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        for name, tensor in (("weight", torch.rand(width) + 0.5), ("bias", torch.randn(width))):
            self.register_buffer(name, tensor)
        self.register_buffer("mean", torch.randn(width))
        self.register_buffer("var", torch.rand(width) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised maps."""
        scale = self.weight.reshape(1, -1, 1, 1) * (self.var.reshape(1, -1, 1, 1) + 1e-5).rsqrt()
        return x * scale + (self.bias.reshape(1, -1, 1, 1) - self.mean.reshape(1, -1, 1, 1) * scale)
