"""Translation: scores as sacrebleu gives them, and a network that learns to turn sentences round."""

import hashlib
import json
import os
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from math import log
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sacrebleu
import torch

from ticketbench.data.pairs import PAIR_SOURCES, canonical_text, load_pairs
from ticketbench.data.subwords import PAD
from ticketbench.errors import TicketbenchError
from ticketbench.harness.training import Member
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods import find_methods
from ticketbench.methods.requests import NotApplicable
from ticketbench.paths import shipped
from ticketbench.task import load_task

CPU = torch.device("cpu")
WORDS = [f"w{letter}" for letter in "abcdefgh"]

TASK = """
id = "toy/reversed"
version = 1
title = "Sentences turned round"
tier = "smoke"
[data]
kind = "translation"
name = "multi30k"
digest = "{digest}"
source = "en"
target = "de"
vocabulary = 40
longest = 8
beam = 2
[network]
name = "transformer"
options = {{ width = 32, heads = 2, layers = 1, feedforward = 64, dropout = 0.0, norm = "pre" }}
[training]
steps = 250
batch_size = 64
optimizer = {{ name = "adam", lr = 0.01, betas = [0.9, 0.98] }}
schedule = {{ warmup = 30, decay = "inverse-sqrt" }}
evaluate_every = 250
[ladder]
prune = 0.5
rounds = 2
scope = "global"
cover = "parameters"
"""


def sentences(count, seed):
    """Pairs of languages in alphabetical order: the second is drawn, the first is it turned round."""
    generator = torch.Generator().manual_seed(seed)
    drawn = [
        [WORDS[i] for i in torch.randint(len(WORDS), (3 + n % 4,), generator=generator).tolist()]
        for n in range(count)
    ]
    return [(" ".join(reversed(each)), " ".join(each)) for each in drawn]


SPLITS = {"train": sentences(600, 0), "validation": sentences(30, 1), "test": sentences(40, 2)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with the toy pairs as a mirror in the hub's layout."""
    root = tmp_path_factory.mktemp("toy")
    folder = root / "mirror" / "bentrevett" / "multi30k"
    folder.mkdir(parents=True)
    files = {"train": "train.jsonl", "validation": "val.jsonl", "test": "test.jsonl"}
    listed = "".join(f"  - split: {split}\n    path: {file}\n" for split, file in files.items())
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: default\n  data_files:\n{listed}---\n")
    for split, file in files.items():
        lines = [json.dumps({"en": english, "de": german}) for german, english in SPLITS[split]]
        (folder / file).write_text("\n".join(lines))
    return root


@pytest.fixture
def toy(written, monkeypatch):
    """`toy(old, new, ...)`: the workload of the toy task, words of its file replaced; with load=False the task."""
    monkeypatch.setenv("TICKETBENCH_DATA", str(written / "mirror"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(written / "cache"))
    monkeypatch.setitem(PAIR_SOURCES, "multi30k", replace(PAIR_SOURCES["multi30k"], digest=None))
    text = TASK.format(digest=hashlib.sha256(canonical_text(SPLITS)).hexdigest())

    def make(*changes, load=True):
        said = text
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in said
            said = said.replace(old, new)
        path = written / "task.toml"
        path.write_text(said)
        task = load_task(path)
        return workloads_of(task, CPU)["default"] if load else task

    return make


WMT14 = """
id = "toy/wmt14"
version = 1
title = "The recipe of WMT'14 on a few toy sentences"
tier = "smoke"
extends = "wmt14/transformer-base"
data.longest = 16
{digest}
[network.options]
width = 16
heads = 2
layers = 1
feedforward = 16
[training]
steps = 3
batch_size = 5
evaluate_every = 3
rewind_step = 1
"""


def test_the_task_of_wmt14_runs_on_pairs_in_its_hubs_layout(written, monkeypatch, write):
    folder = written / "mirror" / "wmt" / "wmt14"
    (folder / "de-en").mkdir(parents=True)
    listed = "".join(f"  - split: {split}\n    path: de-en/{split}-*\n" for split in SPLITS)
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: de-en\n  data_files:\n{listed}---\n")
    kind = pa.struct([("de", pa.string()), ("en", pa.string())])
    features = {"translation": {"languages": ["de", "en"], "_type": "Translation"}}
    hub = {"huggingface": json.dumps({"info": {"features": features}})}
    for split, pairs in SPLITS.items():
        rows = [{"de": german, "en": english} for german, english in pairs]
        table = pa.table({"translation": rows}, schema=pa.schema([("translation", kind)], metadata=hub))
        pq.write_table(table, folder / "de-en" / f"{split}-00000-of-00001.parquet")
    monkeypatch.setenv("TICKETBENCH_DATA", str(written / "mirror"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(written / "cache"))
    with pytest.raises(TicketbenchError, match=r"wmt14: nobody has pinned these pairs yet.* digest = ") as unpinned:
        workloads_of(load_task(write("no-digest.toml", WMT14.format(digest=""))), CPU)
    text = WMT14.format(digest="data." + str(unpinned.value).split("under data: ")[1])
    workload = workloads_of(load_task(write("wmt14.toml", text)), CPU)["default"]
    assert (workload.shape, workload.examples, workload.test_examples) == ((2, 16), 600, 40)
    assert workload.prunable == [name for name, _ in workload.module().named_parameters()]  # biases and norms too
    (trained,) = workload.advance([Member(workload.initial(0), 0)], 3)
    assert [point.step for point in trained.history.points] == [0, 3]
    assert not trained.history.diverged


def ids(workload, text):
    return workload._corpus.pieces.tokenizer.encode(text).ids


def test_a_tiny_transformer_learns_to_turn_sentences_round(toy):
    workload = toy()
    (trained,) = workload.advance([Member(workload.initial(0), 0)], workload.steps)
    first, last = trained.history.points[0], trained.history.points[-1]
    assert first.test < 5
    assert last.test > 80
    assert last.validation > 80
    assert last.test_loss < first.test_loss / 3
    assert not trained.history.one_answer


def test_split_and_whole_trainings_give_the_same_bits(toy):
    workload = toy(
        "steps = 250", "steps = 24", "evaluate_every = 250", "evaluate_every = 10", "dropout = 0.0", "dropout = 0.1"
    )
    start = workload.initial(1)
    (whole,) = workload.advance([Member(start, 1)], 24)
    state = start
    for until in (7, 10, 23, 24):
        (state,) = workload.advance([Member(state, 1)], until)
    assert all(torch.equal(whole.weights[name], state.weights[name]) for name in whole.weights)
    assert all(torch.equal(whole.optimizer[name], state.optimizer[name]) for name in whole.optimizer)
    assert whole.history == state.history
    assert len(whole.history.test_scores) == 40


def test_bleu_is_sacrebleus_own_and_its_signature_says_which(toy):
    workload = toy("steps = 250", "steps = 60", "evaluate_every = 250", "evaluate_every = 60")
    (state,) = workload.advance([Member(workload.initial(0), 0)], 60)
    network, test = workload.module(), workload._corpus.test
    evaluation = workload.evaluate(network)
    with torch.no_grad():
        outputs = workload.translations(network, test, 2)
        guesses = workload.translations(network, workload._corpus.validation, 1)
    assert sorted(test.references) == sorted(german for german, _ in SPLITS["test"])
    bleu = sacrebleu.BLEU()
    assert evaluation.test == bleu.corpus_score(outputs, [test.references]).score
    assert evaluation.test > 10
    assert workload.metric_signature == str(bleu.get_signature())
    assert (
        workload.metric_signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{sacrebleu.__version__}"
    )
    assert evaluation.validation == bleu.corpus_score(guesses, [workload._corpus.validation.references]).score
    pairs = zip(outputs, test.references, strict=True)
    assert list(evaluation.test_scores) == [sacrebleu.sentence_bleu(o, [r]).score for o, r in pairs]
    assert evaluation.test_correct is None
    assert (state.history.points[-1].test, state.history.test_scores) == (evaluation.test, evaluation.test_scores)


def test_the_loss_is_of_what_is_not_padding_and_smoothed_in_training_alone(toy):
    """Every logit alike: ln(classes) a piece, smoothed or not; and by hand where they are not."""
    plain = toy()
    smoothed = toy("evaluate_every = 250", "evaluate_every = 250\nlabel_smoothing = 0.2")
    network = plain.fresh_module().eval()
    inputs, targets = plain.batch(torch.arange(9))
    assert (targets == PAD).any()
    with torch.no_grad():
        logs = network(inputs).log_softmax(-1)
        own = -logs.gather(2, targets.unsqueeze(2)).squeeze(2)[targets != PAD].double().mean()
        spread = -logs.mean(-1)[targets != PAD].double().mean()
        assert float(plain.loss(network, None, inputs, targets)) == pytest.approx(float(own), rel=1e-5)
        expected = 0.8 * float(own) + 0.2 * float(spread)
        assert float(smoothed.loss(network, None, inputs, targets)) == pytest.approx(expected, rel=1e-5)
        weights = {name: torch.zeros_like(weight) for name, weight in network.named_parameters()}
        assert float(plain.loss(network, weights, inputs, targets)) == pytest.approx(log(plain.classes), rel=1e-5)
        scores = [each.evaluate(network) for each in (plain, smoothed)]
    assert scores[0] == scores[1]
    pieces = sum(len(ids(plain, german)) + 1 for german, _ in SPLITS["test"])
    test = plain._corpus.test
    with torch.no_grad():
        each = [plain.loss(network, None, *test.batch(torch.tensor([i]))) for i in range(40)]
    total = sum(float(loss) * int(n) for loss, n in zip(each, test.target.lengths(torch.arange(40)), strict=True))
    assert scores[0].test_loss == pytest.approx(total / pieces, rel=1e-5)


def test_a_network_that_says_one_thing_has_one_answer(toy):
    workload = toy()
    network = workload.fresh_module()
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
    evaluation = workload.evaluate(network)
    assert evaluation.one_answer
    assert evaluation.test == 0
    assert evaluation.test_loss == pytest.approx(log(workload.classes), rel=1e-5)


def test_batches_are_a_function_of_what_is_asked(toy):
    workload = toy()
    first, again = workload.order(3, 0).batch(17), workload.order(3, 0).batch(17)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[1], workload.order(3, 1).batch(17)[1])
    inputs, targets = workload.sample(600, 0, "all")
    texts = workload._corpus.pieces.decode(targets.tolist())
    assert sorted(texts) == sorted(german for german, _ in SPLITS["train"])
    assert torch.equal(inputs[:, 0][inputs[:, 0] != PAD].sort().values, targets[targets != PAD].sort().values)
    with pytest.raises(NotApplicable, match="examples of toy/reversed have no classes"):
        workload.sample_per_class(2, 0)


def test_operations_are_counted_of_matrices_and_of_attention(toy):
    """At the full length L of both sentences: 2 L for every entry of a matrix, 4 L L width for each attention."""
    workload = toy()
    total, layers = workload.flops
    length, width = 8, 32
    matrices = {name: 2.0 * length * w.numel() for name, w in workload.module().named_parameters() if w.dim() > 1}
    assert {name: each for name, each in layers.items() if each} == matrices
    assert total == sum(matrices.values()) + 3 * 4 * length * length * width


def test_operations_of_a_network_that_looks_its_pieces_up_are_counted(toy, write, monkeypatch):
    source = """
    from torch import nn
    class Guess(nn.Module):
        def __init__(self, shape, classes, **options):
            super().__init__()
            self.embedding, self.output = nn.Embedding(classes, 4), nn.Linear(4, classes)
        def forward(self, inputs):
            return self.output(self.embedding(inputs[:, 1]))
        def begin(self, source):
            return self
    """
    monkeypatch.chdir(write("my_guesses.py", textwrap.dedent(source)).parent)
    workload = toy('name = "transformer"', 'factory = "my_guesses:Guess"')
    expected = 2.0 * 8 * 4 * workload.classes
    assert workload.flops == (expected, {"embedding.weight": 0.0, "output.weight": expected, "output.bias": 0.0})


def test_latency_is_taken_on_test_sentences_with_their_references(toy):
    workload = toy()
    expected, _ = workload._corpus.test.batch(torch.arange(3))
    assert torch.equal(workload.test_inputs(3), expected)
    assert len(workload.test_inputs(10**6)) == workload.test_examples
    assert 0 < workload.latency(workload.initial(0)) < 10


def test_a_network_that_cannot_translate_is_refused_before_the_first_step(toy, write, monkeypatch):
    source = """
    from torch import nn
    def flat(shape, classes, **options):
        return nn.Sequential(nn.Flatten(), nn.Linear(4, classes))
    class Wide(nn.Linear):
        def forward(self, inputs):
            return super().forward(inputs[:, 0].float().unsqueeze(-1))
    def wide(shape, classes, **options):
        return Wide(1, classes)
    """
    monkeypatch.chdir(write("my_translators.py", textwrap.dedent(source)).parent)
    name = 'name = "transformer"'
    with pytest.raises(
        TicketbenchError, match=r"toy/reversed: network my_translators:flat .* expected logits of shape"
    ):
        toy(name, 'factory = "my_translators:flat"')
    with pytest.raises(TicketbenchError, match=r"expected a method begin\(source\), as transformer has it"):
        toy(name, 'factory = "my_translators:wide"')


def test_without_sacrebleu_one_message_says_what_to_install(toy, monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu", None)
    with pytest.raises(TicketbenchError) as error:
        toy()
    assert str(error.value) == (
        'Tasks of translation need the package sacrebleu, which is missing: pip install "ticketbench[language]"'
    )


MINE = """
@method("mine", title="Largest at initialization")
def mine(search):
    for rung in search.ladder:
        yield Ticket(keep_largest(scores_of(search.initial), rung, scope="global"), search.initial)
"""


def test_tickets_of_translation_are_rows_like_any_other(toy, lab):
    """SynFlow starts at the embeddings' output; GraSP asks for examples of every class, of which there are none."""
    task = toy("steps = 250", "steps = 20", "evaluate_every = 250", "evaluate_every = 10", load=False)
    (synflow,) = find_methods(["synflow(rounds=2)"])
    (grasp,) = find_methods(["grasp"])
    rows = [*lab.search(MINE, task), *lab.search(synflow, task), lab.dense(task)]
    assert [row["rung"] for row in rows] == [1, 2, 1, 2, 0]
    for row in rows:
        assert (row["metric"], row["higher_is_better"], row["test_examples"]) == ("BLEU", True, 40)
        assert row["metric_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")
        assert {"tokenizers", "sacrebleu"} <= {each["name"] for each in row["packages"]}
        assert row["status"] in ("done", "collapsed")
        assert (len(row["test_scores"]), row["test_correct"]) == (40, None)
    for row in lab.search(grasp, task):
        assert row["status"] == "not applicable"
        assert "the examples of toy/reversed have no classes" in row["reason"]


def test_trivial_answers_score_what_the_task_of_multi30k_says():
    """In the comment above its scoring."""
    if not (Path(os.environ.get("TICKETBENCH_DATA", "")).expanduser() / "bentrevett" / "multi30k").is_dir():
        pytest.skip("data set bentrevett/multi30k is not in TICKETBENCH_DATA")
    file = shipped("tasks") / "multi30k" / "transformer.toml"
    said = " ".join(file.read_text().replace("\n#", "").split())
    pairs = load_pairs(load_task(file).data)
    bleu = sacrebleu.BLEU(references=[pairs.sentences("test", "de")])
    copied = bleu.corpus_score(pairs.sentences("test", "en"), None).score
    [(frequent, times), (_, fewer)] = Counter(pairs.sentences("train", "de")).most_common(2)
    assert (times, fewer) == (3, 2)
    alike = bleu.corpus_score([frequent] * 1000, None).score
    assert f"the English source copied {copied:.2f}; the German training sentence that occurs most often" in said
    assert f'("{frequent}", three times) said of everything {alike:.2f};' in said
