"""Machine translation: pairs of sentences, cross-entropy of the next piece, BLEU of what beam search finds."""

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ticketbench.data.subwords import PAD, language_package
from ticketbench.data.translation import Corpus, Sentences, load_translation
from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import Evaluation
from ticketbench.harness.training.determinism import generator
from ticketbench.harness.training.order import Batches, DataOrder
from ticketbench.harness.workloads.beam import beam_search
from ticketbench.harness.workloads.domain import Batch, Domain
from ticketbench.harness.workloads.fit import check_logits
from ticketbench.methods.state import Tensors
from ticketbench.task import Task, Translation

_CHUNK = 100  # sentences translated at once

_CPU = torch.device("cpu")  # where sentences are kept and batches are put together


class Translating(Domain):
    """One direction of one set of pairs, on one device. An example is a pair of sentences.

    Networks take source and target pieces, int64 (B, 2, L), the target shifted right, and give logits of the target,
    floats (B, L, classes). For beam search they have `begin(source)`, see `ticketbench.networks.transformer`.
    """

    higher_is_better = True
    one_answer = "one and the same output for every test sentence"
    packages = ("tokenizers", "sacrebleu")
    input_dtype = torch.int64

    def __init__(self, task: Task, device: torch.device, found: Corpus | None = None, steps: int | None = None):
        """`found` is the task's corpus, where it is at hand; `steps` is T, where other settings decide it."""
        assert isinstance(task.data, Translation)
        self._spec, self._corpus = task.data, found or self.load(task.data)
        self._bleu = {split: _bleu(getattr(self._corpus, split)) for split in ("validation", "test")}
        self.metric_signature = str(self._bleu["test"].get_signature())
        super().__init__(
            task,
            device,
            shape=(2, task.data.longest),
            classes=self._corpus.pieces.size,
            examples=self._corpus.examples,
            test_examples=len(self._corpus.test),
            data_digest=self._corpus.digest,
            steps=steps,
        )

    @staticmethod
    def load(spec: Translation) -> Corpus:
        return load_translation(spec)

    def again(self, task: Task, steps: int | None) -> Self:
        return type(self)(task, self.device, self._corpus, steps)

    def check(self, setting: str) -> None:
        """Raises `TicketbenchError` where there is nothing to prune, or the network cannot translate."""
        super().check(setting)
        inputs, targets = self._corpus.test.batch(torch.tensor([0]))
        check_logits(self, setting, inputs, (*targets.shape, self.classes), "pieces")
        if not hasattr(self.module(), "begin"):
            raise TicketbenchError(
                f"{self.task.id}: network {self.task.network.title} (setting {setting}): expected a method "
                "begin(source), as transformer has it, to translate with."
            )

    def order(self, seed: int, data_order: int) -> Batches:
        drawn = DataOrder(self.examples, self.training.batch_size, seed, data_order, _CPU)
        return Batches(drawn, self.batch)

    def batch(self, indices: Tensor) -> Batch:
        """Training pairs: inputs int64 (B, 2, L) and targets int64 (B, L). L is that of their longest sentence."""
        inputs, targets = self._corpus.train.batch(indices)
        return self._to_device(inputs), self._to_device(targets)

    def sample(self, size: int, seed: int, *purpose: str | int) -> Batch:
        drawn = torch.randperm(self.examples, generator=generator("sample", seed, *purpose))[:size]
        return self.batch(drawn)

    def loss(self, network: nn.Module, weights: Tensors | None, inputs: Tensor, targets: Tensor) -> Tensor:
        """Mean cross-entropy of the target's pieces, those that are not padding, under the task's label smoothing."""
        logits = network(inputs) if weights is None else functional_call(network, weights, (inputs,))
        return nn.functional.cross_entropy(
            logits.flatten(0, 1),
            targets.flatten(),
            ignore_index=PAD,
            label_smoothing=self.training.label_smoothing,
        )

    def test_inputs(self, most: int) -> Tensor:
        """Sentences and their references, as a training reads them: int64 (`most` or fewer, 2, L)."""
        sentences = self._corpus.test
        inputs, _ = sentences.batch(torch.arange(min(most, len(sentences))))
        return self._to_device(inputs)

    def evaluate(self, network: nn.Module) -> Evaluation:
        """Loss and BLEU (0 to 100) on the validation and test sets.

        The loss is the mean cross-entropy in nats of the pieces of the reference, cut as in training, without label
        smoothing. BLEU is sacrebleu's, of detokenised output against whole references: the validation set's is of
        greedy search, which is cheap, the test set's of the task's beam search. `test_scores` are the test sentences'
        own BLEU, in canonical order; the test set's is not their mean.
        """
        corpus = self._corpus
        network.eval()
        with torch.no_grad():
            validation_loss, test_loss = (self._loss(network, each) for each in (corpus.validation, corpus.test))
            guesses = self.translations(network, corpus.validation, beam=1)
            outputs = self.translations(network, corpus.test, self._spec.beam)
        return Evaluation(
            validation_loss=validation_loss,
            validation=float(self._bleu["validation"].corpus_score(guesses, None).score),
            test_loss=test_loss,
            test=float(self._bleu["test"].corpus_score(outputs, None).score),
            test_correct=None,
            one_answer=len(set(outputs)) == 1,
            test_scores=tuple(sentence_scores(outputs, corpus.test.references)),
        )

    def translations(self, network: nn.Module, sentences: Sentences, beam: int) -> list[str]:
        """What beam search makes of every source sentence, as text, in the order of the sentences."""
        found: list[str] = [""] * len(sentences)
        for which in _chunks(sentences):
            source = self._to_device(sentences.source.padded(which, int(sentences.source.lengths(which).max())))
            decoding = network.begin(source)  # type: ignore[operator]
            rows = beam_search(decoding, len(which), beam, self._spec.longest, self._spec.length_penalty, self.device)
            for index, text in zip(which.tolist(), self._corpus.pieces.decode(rows), strict=True):
                found[index] = text
        return found

    def _loss(self, network: nn.Module, sentences: Sentences) -> float:
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for which in _chunks(sentences):
            inputs, targets = (self._to_device(each) for each in sentences.batch(which))
            logits = network(inputs)
            total += nn.functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), ignore_index=PAD, reduction="sum"
            )
        return float(total) / len(sentences.target.flat)

    def _to_device(self, tensor: Tensor) -> Tensor:
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()  # else the copy makes the host wait for the device
        return tensor.to(self.device, non_blocking=True)


def sentence_scores(outputs: list[str], references: list[str]) -> list[float]:
    """BLEU (0 to 100) of every sentence by itself, smoothed and of effective order as sacrebleu has it."""
    bleu = language_package("sacrebleu").BLEU(effective_order=True)
    return [
        float(bleu.sentence_score(output, [reference]).score)
        for output, reference in zip(outputs, references, strict=True)
    ]


def _bleu(sentences: Sentences) -> Any:
    """Corpus BLEU against these references, with all of sacrebleu's defaults."""
    return language_package("sacrebleu").BLEU(references=[sentences.references])


def _chunks(sentences: Sentences) -> list[Tensor]:
    """Which sentences are translated together: those of like length, so that little is padding."""
    lengths = sentences.source.lengths(torch.arange(len(sentences)))
    return list(torch.split(lengths.argsort(stable=True), _CHUNK))
