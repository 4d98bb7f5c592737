"""The parts of a Transformer (Vaswani et al. 2017, section 3): attention, layers, positions."""

from collections.abc import Callable
from math import log, sqrt

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention (section 3.2): states (..., L, width) attend to keys and values (..., heads, S, width of
    a head).

    It is put together from four `nn.Linear`, one each for queries, keys, values and output, and not taken from
    `nn.MultiheadAttention`: that keeps three of them in one parameter, which no mask by layer could tell apart. It is
    written out as products and a softmax, for `scaled_dot_product_attention` picks fused kernels that have no second
    derivative and whose operations are not counted.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def keys_values(self, states: Tensor) -> tuple[Tensor, Tensor]:
        """What is attended to: (..., S, width) to keys and values of every head."""
        return self._split(self.key(states)), self._split(self.value(states))

    def forward(self, states: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None) -> Tensor:
        queries = self._split(self.query(states)) / sqrt(keys.shape[-1])
        scores = queries @ keys.transpose(-1, -2)
        if allowed is not None:
            scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
        mixed: Tensor = self.output((scores.softmax(-1) @ values).transpose(-2, -3).flatten(-2))
        return mixed

    def _split(self, states: Tensor) -> Tensor:
        """(..., L, width) to (..., heads, L, width of a head)."""
        return states.view(*states.shape[:-1], self.heads, -1).transpose(-2, -3)


class Residual(nn.Module):
    """A sum with what a sublayer makes of the states, with a layer norm before the sublayer or after the sum."""

    def __init__(self, width: int, dropout: float, first: bool):
        super().__init__()
        self.first = first
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        if self.first:
            summed: Tensor = states + self.dropout(sublayer(self.norm(states)))
        else:
            summed = self.norm(states + self.dropout(sublayer(states)))
        return summed


class Feedforward(nn.Module):
    """Two linear layers with ReLU between them (section 3.3)."""

    def __init__(self, width: int, inside: int):
        super().__init__()
        self.hidden = nn.Linear(width, inside)
        self.output = nn.Linear(inside, width)

    def forward(self, states: Tensor) -> Tensor:
        made: Tensor = self.output(torch.relu(self.hidden(states)))
        return made


class EncoderLayer(nn.Module):
    """Self-attention, then the feed-forward layers."""

    def __init__(self, width: int, heads: int, inside: int, dropout: float, first: bool):
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_sum = Residual(width, dropout, first)
        self.feedforward = Feedforward(width, inside)
        self.feedforward_sum = Residual(width, dropout, first)

    def forward(self, states: Tensor, allowed: Tensor | None) -> Tensor:
        def attend(own: Tensor) -> Tensor:
            mixed: Tensor = self.attention(own, *self.attention.keys_values(own), allowed)
            return mixed

        summed: Tensor = self.feedforward_sum(self.attention_sum(states, attend), self.feedforward)
        return summed


class DecoderLayer(nn.Module):
    """Self-attention to what comes before, attention to the source, then the feed-forward layers."""

    def __init__(self, width: int, heads: int, inside: int, dropout: float, first: bool):
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_sum = Residual(width, dropout, first)
        self.source_attention = Attention(width, heads)
        self.source_sum = Residual(width, dropout, first)
        self.feedforward = Feedforward(width, inside)
        self.feedforward_sum = Residual(width, dropout, first)

    def forward(self, states: Tensor, causal: Tensor, encoded: Tensor, allowed: Tensor | None) -> Tensor:
        def attend(own: Tensor) -> Tensor:
            mixed: Tensor = self.attention(own, *self.attention.keys_values(own), causal)
            return mixed

        return self.sublayers(states, attend, *self.source_attention.keys_values(encoded), allowed)

    def sublayers(
        self, states: Tensor, attend: Callable[[Tensor], Tensor], keys: Tensor, values: Tensor, allowed: Tensor | None
    ) -> Tensor:
        """The layer, with self-attention as the caller does it and the source's keys and values at hand."""
        states = self.attention_sum(states, attend)
        states = self.source_sum(states, lambda own: self.source_attention(own, keys, values, allowed))
        summed: Tensor = self.feedforward_sum(states, self.feedforward)
        return summed


def positions(first: int, length: int, width: int, device: torch.device) -> Tensor:
    """Sinusoids (section 3.5) of `length` positions from `first` on: float64 (length, width).

    The first half of a row are sines and the second cosines; the paper has them in turn, which is the same under a
    permutation of the units.
    """
    half = (width + 1) // 2
    rates = torch.exp(torch.arange(half, dtype=torch.float64, device=device) * (-log(10_000.0) / half))
    places = torch.arange(first, first + length, dtype=torch.float64, device=device)
    angles = places.unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], 1)[:, :width]
