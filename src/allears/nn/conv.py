"""Convolutions per channel or over bands, and means of all that was heard: `layer(x, state) -> (y, state)`."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class DepthwiseCausalConv(nn.Module):
    """Each channel over time by its own filter, `(kernel − 1) · dilation` frames back and none ahead.

    `weight` is (kernel, channels), the oldest tap first. State: the last inputs, (batch, back, channels).
    """

    def __init__(self, channels: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.channels, self.kernel, self.dilation = channels, kernel, dilation
        self.weight = nn.Parameter(torch.empty(kernel, channels).uniform_(-1, 1) * kernel**-0.5)
        self.bias = nn.Parameter(torch.zeros(channels))

    def initial_state(self, batch: int) -> Tensor:
        """Zeros before the first frame."""
        return self.weight.new_zeros(batch, (self.kernel - 1) * self.dilation, self.channels)

    def forward(
        self, x: Float[Tensor, "batch time channels"], state: Float[Tensor, "batch back channels"]
    ) -> tuple[Float[Tensor, "batch time channels"], Float[Tensor, "batch back channels"]]:
        """All frames of `x`."""
        frames = x.shape[1]
        whole = torch.cat((state, x), 1)
        if self.dilation == 1:
            return self._close(whole), whole[:, frames:]
        y = torch.addcmul(self.bias, whole[:, :frames], self.weight[0])
        for tap in range(1, self.kernel):
            y = torch.addcmul(y, whole[:, tap * self.dilation :][:, :frames], self.weight[tap])
        return y, whole[:, frames:]

    def _close(self, whole: Tensor) -> Tensor:
        """As an image of one row, its channels last as they are: what torch is quickest at without dilation."""
        image = whole.transpose(1, 2)[:, :, None]
        weight = self.weight.t()[:, None, None].contiguous(memory_format=torch.channels_last)
        y = functional.conv2d(image, weight, self.bias, groups=self.channels)
        return y[:, :, 0].transpose(1, 2)


class BandsConv(nn.Module):
    """Frames of `bands` values as an image: a filter of `kernel` frames by `kernel` bands, none of them ahead.

    It steps over `stride` frames at a time, of which there are whole steps; `steps` of them make one frame of
    the network it is part of. Zeros stand around the bands. State: (batch, inputs, kernel − stride, bands).
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, bands: int, steps: int
    ) -> None:
        super().__init__()
        self.inputs, self.stride, self.bands, self.steps = inputs, stride, bands, steps
        self.back = kernel - stride
        self.filter = nn.Conv2d(inputs, outputs, kernel, (stride, 1), padding=(0, kernel // 2))

    def initial_state(self, batch: int) -> Tensor:
        """Zeros before the first frame."""
        return self.filter.weight.new_zeros(batch, self.inputs, self.back, self.bands)

    def forward(
        self, x: Float[Tensor, "batch inputs time bands"], state: Tensor
    ) -> tuple[Float[Tensor, "batch outputs steps bands"], Tensor]:
        """All frames of `x`."""
        whole = torch.cat((state, x), 2)
        return self.filter(whole), whole[:, :, x.shape[2] :]


class MeanState(NamedTuple):
    """What was summed, (batch, channels), or the last frames, (batch, window, channels); how many, (batch,)."""

    held: Tensor
    frames: Tensor


class RunningMean(nn.Module):
    """The mean of all frames so far, this one included; with a `window` of the last so many only."""

    def __init__(self, channels: int, window: int = 0) -> None:
        super().__init__()
        self.channels, self.window = channels, window
        self.register_buffer("zero", torch.zeros(()), persistent=False)
        self.zero: Tensor

    def initial_state(self, batch: int) -> MeanState:
        """Nothing was heard."""
        held = (self.window,) if self.window else ()
        return MeanState(
            self.zero.new_zeros(batch, *held, self.channels), self.zero.new_zeros(batch)
        )

    def forward(
        self, x: Float[Tensor, "batch time channels"], state: MeanState
    ) -> tuple[Float[Tensor, "batch time channels"], MeanState]:
        """The mean at each frame of `x`."""
        ones = torch.ones_like(x[0, :, 0])
        counts = state.frames[:, None] + ones.cumsum(0)
        if not self.window:
            sums = state.held[:, None] + x.cumsum(1)
            return sums / counts[..., None], MeanState(sums[:, -1], counts[:, -1])
        counts = counts.clamp(max=self.window)
        whole = torch.cat((state.held, x), 1)
        sums = whole.cumsum(1)
        means = (sums[:, self.window :] - sums[:, : -self.window]) / counts[..., None]
        return means, MeanState(whole[:, -self.window :], counts[:, -1])


class SqueezeExcite(nn.Module):
    """Channels weighted by what was heard so far (Hu et al. 2018), with the running mean for the whole one's."""

    def __init__(self, channels: int, reduction: int, window: int = 0) -> None:
        super().__init__()
        self.mean = RunningMean(channels, window)
        squeezed = max(1, channels // reduction)
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def initial_state(self, batch: int) -> MeanState:
        """Nothing was heard."""
        return self.mean.initial_state(batch)

    def forward(
        self, x: Float[Tensor, "batch time channels"], state: MeanState
    ) -> tuple[Float[Tensor, "batch time channels"], MeanState]:
        """`x`, weighted."""
        mean, state = self.mean(x, state)
        return x * torch.sigmoid(self.excite(torch.relu(self.squeeze(mean)))), state
