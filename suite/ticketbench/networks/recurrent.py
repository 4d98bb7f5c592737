"""The LSTM that reads running text (Hochreiter & Schmidhuber 1997), as Yu et al. 2020 prune it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from ticketbench.networks.memory import Remembering
from ticketbench.networks.widths import shrunk

_RANGE = 0.1


class LSTM(Remembering):
    """Embedding, LSTM layers with dropout between them, and a linear head: (B, T) tokens to (B, T, classes) logits.

    Tokens are int64. Floats of the same shape are taken for the embedding's output, each number for all of its width.
    `memory` holds `hidden` and `cell`, (layers, B, hidden) each; batches that go on one from another have one B.

    The defaults are Yu et al. 2020's: two layers of 650, dropout of 0.5 between them. They leave open how weights
    are drawn. Here those of embedding and head are uniform within 0.1, as is common, and the rest is as torch draws
    it; its embedding, of deviation 1, would outweigh all other layers where magnitudes are compared. Left open too,
    and not done here: dropout of the embedding or before the head, and tied embeddings.

    `shrink` is the share of `embedding` and of `hidden` that is kept.

    Raises `ValueError` where inputs are no sequences, or layers and dropout make no network, and in a pass over
    another number of columns than it remembers.
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        *,
        embedding: int = 650,
        hidden: int = 650,
        layers: int = 2,
        dropout: float = 0.5,
        shrink: float = 1.0,
    ):
        super().__init__()
        if len(shape) != 1:
            raise ValueError(f"an lstm reads sequences of tokens, inputs of shape (T,), not {tuple(shape)}")
        if layers < 1:
            raise ValueError(f"layers is 1 or more, not {layers}")
        width, hidden = shrunk(embedding, shrink), shrunk(hidden, shrink)
        self.embedding = nn.Embedding(classes, width)
        self.layers = nn.ModuleList(
            nn.LSTM(hidden if layer else width, hidden, batch_first=True) for layer in range(layers)
        )
        # Not that of nn.LSTM: on a GPU it draws from a state that it carries along, not from torch's generator.
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, classes)
        for weight in (self.embedding.weight, self.output.weight):
            nn.init.uniform_(weight, -_RANGE, _RANGE)
        nn.init.zeros_(self.output.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        if self.memory and (columns := self.memory["hidden"].shape[1]) != len(inputs):
            raise ValueError(f"the lstm goes on from a batch of {columns} columns, not of {len(inputs)}")
        if inputs.is_floating_point():
            signal = inputs.unsqueeze(-1).expand(-1, -1, self.embedding.embedding_dim)
        else:
            signal = self.embedding(inputs)
        hidden, cell = [], []
        for index, layer in enumerate(self.layers):
            began = (self.memory["hidden"][index, None], self.memory["cell"][index, None]) if self.memory else None
            with _differentiable(signal):
                signal, ended = layer(self.dropout(signal) if index else signal, began)
            hidden.append(ended[0])
            cell.append(ended[1])
        self.ended = {"hidden": torch.cat(hidden).detach(), "cell": torch.cat(cell).detach()}
        logits: Tensor = self.output(signal)
        return logits


def _differentiable(signal: Tensor) -> AbstractContextManager[None]:
    """On a GPU torch's own kernels: cuDNN's cannot be differentiated twice or in eval mode, and may vary in bits."""
    return torch.backends.cudnn.flags(enabled=False) if signal.is_cuda else nullcontext()
