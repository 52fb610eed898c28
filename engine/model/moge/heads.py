"""The convolutions of MoGe-2: a neck and three heads, all of one build. Parameter names are the published ones."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .layout import StackConfig


def _conv3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="replicate")


class ResidualBlock(nn.Module):
    """relu, convolution, relu, convolution; added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The places 0 and 3 belong to norms, which the published networks do not have.
        self.layers = nn.Sequential(
            nn.Identity(), nn.ReLU(), _conv3(channels, channels), nn.Identity(), nn.ReLU(), _conv3(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def _up(inputs: int, outputs: int, transposed: bool) -> nn.Sequential:
    """To the next level, twice as large."""
    if transposed:
        return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 2, stride=2), _conv3(outputs, outputs))
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), _conv3(inputs, outputs))


class ConvStack(nn.Module):
    """Levels from coarse to fine: what comes in is added to what came up from the level before."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        channels = config.channels
        self.input_blocks = nn.ModuleList(
            nn.Conv2d(given, own, 1) for given, own in zip(config.inputs, channels, strict=True)
        )
        self.res_blocks = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(own) for _ in range(count)))
            for own, count in zip(channels, config.blocks, strict=True)
        )
        self.output_blocks = nn.ModuleList(
            nn.Identity() if given is None else nn.Conv2d(own, given, 1)
            for own, given in zip(channels, config.outputs, strict=True)
        )
        self.resamplers = nn.ModuleList(
            _up(own, finer, transposed)
            for own, finer, transposed in zip(channels, channels[1:], config.transposed, strict=False)
        )

    def forward(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """A tensor a level, (B, channels, rows, columns), rows and columns doubled each time -> the same of outputs."""
        outputs: list[Tensor] = []
        up: Tensor | None = None
        for level, given in enumerate(inputs):
            x = self.input_blocks[level](given)
            if up is not None:
                x = x + up
            x = self.res_blocks[level](x)
            outputs.append(self.output_blocks[level](x))
            if level < len(self.resamplers):
                up = self.resamplers[level](x)
        return outputs
