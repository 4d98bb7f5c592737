"""Beam search: the best of the few most probable hypotheses, for many sentences at once."""

from typing import Protocol

import torch
from torch import Tensor

from ticketbench.data.subwords import BOS, EOS, PAD


class Decoding(Protocol):
    """Hypotheses of N sentences, K each, that grow by a token at a time."""

    def extend(self, tokens: Tensor) -> Tensor:
        """The latest token of every hypothesis, int64 (N, K), to logits of the next, (N, K, classes)."""

    def keep(self, sentences: Tensor, parents: Tensor) -> None:
        """Go on with these sentences (N',) and, of each, with copies of these hypotheses (N', K)."""


def beam_search(
    decoding: Decoding, sentences: int, beam: int, longest: int, penalty: float, device: torch.device
) -> list[list[int]]:
    """The best hypothesis of every sentence: its tokens, without begin and end.

    A hypothesis of n tokens, its end among them, scores its log probability divided by n ** `penalty`. At every step
    the `beam` most probable continuations of a sentence are found. Those that end are finished; of the others the
    `beam` most probable go on. A sentence is done when as many as `beam` have finished, and at `longest` tokens every
    hypothesis must end (as in fairseq, Ott et al. 2019). So a beam of 1 takes the most probable token at every step.
    Logits that are not a number count as impossible.
    """
    best = torch.full((sentences, longest), EOS, device=device)
    best_score = torch.full((sentences,), -torch.inf, device=device)
    finished = torch.zeros(sentences, dtype=torch.int64, device=device)
    at = torch.arange(sentences, device=device)  # the sentences that are not done
    scores = torch.full((sentences, beam), -torch.inf, device=device)
    scores[:, 0] = 0  # all hypotheses begin alike: one is enough
    tokens = torch.full((sentences, beam, 1), BOS, device=device)
    for length in range(1, longest + 1):
        following = _following(decoding.extend(tokens[:, :, -1]), must_end=length == longest)
        classes = following.shape[-1]
        totals = (scores.unsqueeze(2) + following).flatten(1)
        scores, found = totals.topk(min(2 * beam, totals.shape[1]), 1)  # one in two may end, and beam go on
        parents, pieces = found // classes, found % classes

        ends = (pieces == EOS) & scores.isfinite()
        rank = torch.arange(scores.shape[1], device=device)
        ending = ends & (rank < beam)
        score, place = (scores / length**penalty).where(ending, -torch.inf).max(1)
        better = score > best_score[at]
        rows = at[better]
        best_score[rows] = score[better]
        best[rows] = EOS
        best[rows, : length - 1] = tokens[better, parents[better, place[better]], 1:]
        finished[at] += ending.sum(1)

        going = (rank + ends * len(rank)).argsort(1)[:, :beam]
        scores, parents, pieces = (each.gather(1, going) for each in (scores, parents, pieces))
        left = (finished[at] < beam).nonzero().squeeze(1)
        if length == longest or not len(left):
            break
        at, scores, parents = at[left], scores[left], parents[left]
        decoding.keep(left, parents)
        tokens = torch.cat([tokens[left.unsqueeze(1), parents], pieces[left].unsqueeze(2)], 2)
    return [row[: row.index(EOS)] if EOS in row else row for row in best.tolist()]


def _following(logits: Tensor, must_end: bool) -> Tensor:
    """Log probabilities of the next token."""
    following = logits.log_softmax(-1).nan_to_num(nan=-torch.inf, neginf=-torch.inf)
    following[..., [PAD, BOS]] = -torch.inf
    if must_end:
        end = following[..., EOS].clone()
        following = torch.full_like(following, -torch.inf)
        following[..., EOS] = end
    return following
