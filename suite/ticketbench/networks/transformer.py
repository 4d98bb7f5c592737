"""The encoder-decoder Transformer (Vaswani et al. 2017)."""

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from ticketbench.networks.attention import DecoderLayer, EncoderLayer, positions
from ticketbench.networks.widths import shrunk

_PAD = 0  # the piece that fills a row of tokens up


class Transformer(nn.Module):
    """Source tokens and target tokens shifted right, (B, 2, L), to logits of the next target token, (B, L, classes).

    `layers` in the encoder and as many in the decoder, of `heads` heads, all `width` wide but for the `feedforward`
    units inside. `norm` is "post", as in the paper (layer norm after every residual sum), or "pre" (before every
    sublayer, and once more at the end). Under `tie` both embeddings and the output share one matrix, as in the paper,
    which is called `output.weight`; else there is one for the source, one for the target, and one for the output.
    Positions are the paper's sinusoids. `dropout` is where the paper has it: on every sublayer's output and on the
    sums of embeddings and positions. Linear weights are drawn Glorot-uniform with biases zero, embeddings normal with
    variance 1 / width. `shrink` is the share of `feedforward` and of the width of each head that is kept.

    Source tokens that are padding are never attended to, and target tokens see none after them. Floats of the same
    shape stand for the scaled embeddings, each number repeated over the width; then nothing is padding.
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        *,
        width: int,
        heads: int,
        layers: int,
        feedforward: int,
        dropout: float = 0.1,
        tie: bool = True,
        norm: str = "post",
        shrink: float = 1.0,
    ):
        super().__init__()
        if len(shape) != 2 or shape[0] != 2:
            raise ValueError(f"a transformer takes examples of shape (2, L), source and target tokens, not {shape}")
        if min(width, heads, layers, feedforward) < 1:
            raise ValueError("width, heads, layers and feedforward are whole numbers above 0")
        if width % heads:
            raise ValueError(f"width {width} is not divisible by heads {heads}")
        if norm not in ("pre", "post"):
            raise ValueError(f'norm is "pre" or "post", not {norm!r}')
        width = heads * shrunk(width // heads, shrink)
        inside = shrunk(feedforward, shrink)
        self.width, self.tie, self.dropout = width, tie, nn.Dropout(dropout)
        # First, so that a matrix that is shared goes by the name of the layer that computes with it.
        self.output = nn.Linear(width, classes, bias=False)
        self.embedding = nn.Embedding(classes, width)
        if tie:
            # One module, registered once: `functional_call` does not put back one that has two names.
            self.embedding.weight = self.output.weight
        else:
            self.target_embedding = nn.Embedding(classes, width)
        first = norm == "pre"
        self.encoder = nn.ModuleList(EncoderLayer(width, heads, inside, dropout, first) for _ in range(layers))
        self.encoder_norm = nn.LayerNorm(width) if first else nn.Identity()
        self.decoder = nn.ModuleList(DecoderLayer(width, heads, inside, dropout, first) for _ in range(layers))
        self.decoder_norm = nn.LayerNorm(width) if first else nn.Identity()
        _draw(self)

    def forward(self, inputs: Tensor) -> Tensor:
        source, target = inputs.unbind(1)
        encoded, allowed = self.encode(source)
        return self.decode(target, encoded, allowed)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor | None]:
        """Source (B, S) to states (B, S, width), and which of them may be attended to: bool (B, 1, 1, S), or all."""
        allowed = None if source.is_floating_point() else (source != _PAD)[:, None, None, :]
        states = self.embedded(source, self.embedding)
        for layer in self.encoder:
            states = layer(states, allowed)
        return self.encoder_norm(states), allowed

    def decode(self, target: Tensor, encoded: Tensor, allowed: Tensor | None) -> Tensor:
        """Target shifted right (B, L) to logits (B, L, classes)."""
        length = target.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=target.device).tril()
        states = self.embedded_target(target)
        for layer in self.decoder:
            states = layer(states, causal, encoded, allowed)
        logits: Tensor = self.output(self.decoder_norm(states))
        return logits

    def begin(self, source: Tensor) -> "Decoding":
        """Translations of these sources (B, S), to be extended token by token."""
        return Decoding(self, source)

    def embedded_target(self, target: Tensor, first: int = 0) -> Tensor:
        """Target tokens or floats (B, L), the first of them at position `first`, to states (B, L, width)."""
        return self.embedded(target, self.embedding if self.tie else self.target_embedding, first)

    def embedded(self, tokens: Tensor, embedding: nn.Module, first: int = 0) -> Tensor:
        """Tokens or floats to states by this embedding."""
        if tokens.is_floating_point():
            states = tokens.unsqueeze(-1).expand(*tokens.shape, self.width)
        else:
            states = embedding(tokens) * sqrt(self.width)
        places = positions(first, tokens.shape[-1], self.width, states.device)
        dropped: Tensor = self.dropout(states + places.to(states.dtype))
        return dropped


class Decoding:
    """Hypotheses of N sentences, K each, that grow by a token at a time. Keys and values of what is there are kept,
    so that a token costs one position and not all of them."""

    def __init__(self, network: Transformer, source: Tensor):
        self._network, self._length = network, 0
        encoded, self._allowed = network.encode(source)
        self._source = [layer.source_attention.keys_values(encoded) for layer in _layers(network)]
        self._past: list[tuple[Tensor, Tensor] | None] = [None for _ in self._source]

    def extend(self, tokens: Tensor) -> Tensor:
        """The latest token of every hypothesis (N, K) to logits of the next (N, K, classes)."""
        network = self._network
        states = network.embedded_target(tokens.unsqueeze(-1), self._length).squeeze(-2)
        for index, layer in enumerate(_layers(network)):
            states = layer.sublayers(states, self._attend(index, layer), *self._source[index], self._allowed)
        self._length += 1
        logits: Tensor = network.output(network.decoder_norm(states))
        return logits

    def keep(self, sentences: Tensor, parents: Tensor) -> None:
        """Go on with these sentences (N',) and, of each, with copies of these hypotheses (N', K)."""
        if len(sentences) < len(self._source[0][0]):
            self._allowed = None if self._allowed is None else self._allowed[sentences]
            self._source = [(keys[sentences], values[sentences]) for keys, values in self._source]
        self._past = [
            past and (_chosen(past[0], sentences, parents), _chosen(past[1], sentences, parents))
            for past in self._past
        ]

    def _attend(self, index: int, layer: DecoderLayer) -> Callable[[Tensor], Tensor]:
        def attend(own: Tensor) -> Tensor:
            own = own.unsqueeze(-2)  # (N, K, 1, width): each hypothesis attends to itself alone
            past, now = self._past[index], layer.attention.keys_values(own)
            keys, values = now if past is None else [torch.cat(each, -2) for each in zip(past, now, strict=True)]
            self._past[index] = keys, values
            mixed: Tensor = layer.attention(own, keys, values, None)
            return mixed.squeeze(-2)

        return attend


def _chosen(states: Tensor, sentences: Tensor, parents: Tensor) -> Tensor:
    """Of states (N, K, ...), those of these sentences (N',) and hypotheses (N', K): by rows, which is fast."""
    rows = (sentences.unsqueeze(1) * states.shape[1] + parents).flatten()
    return states.flatten(0, 1).index_select(0, rows).view(*parents.shape, *states.shape[2:])


def _layers(network: Transformer) -> list[DecoderLayer]:
    return [layer for layer in network.decoder if isinstance(layer, DecoderLayer)]


def _draw(network: Transformer) -> None:
    """Embeddings come after the output layer, and so a shared matrix is drawn as an embedding."""
    for module in network.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=network.width**-0.5)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
