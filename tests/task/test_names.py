"""Names in a task file: those that it may have are those that networks and data sets have, and others are told."""

from typing import get_args

import pytest

from ticketbench.data.pairs import PAIR_SOURCES
from ticketbench.data.sources import SOURCES
from ticketbench.data.text import TEXTS
from ticketbench.errors import TicketbenchError
from ticketbench.networks.build import _NETWORKS
from ticketbench.task import ImagesName, NetworkName, TextName, TranslationName, load_task, task_schema

HEADING = 'id = "mine/own"\nversion = 1\ntitle = "Mine"\ntier = "ci"\n'
IMAGES = "input should be 'digits', 'mnist', 'fashion-mnist' or 'cifar-10'"
OWN = "One of your own is named by data.hub or data.folder."
PAIRS = 'kind = "translation", name = "wmt15", source = "en", target = "de", vocabulary = 9, longest = 9, beam = 1'


@pytest.mark.parametrize(
    ("named", "there"),
    [(NetworkName, _NETWORKS), (ImagesName, SOURCES), (TextName, TEXTS), (TranslationName, PAIR_SOURCES)],
)
def test_what_a_file_may_name_is_what_there_is(named, there):
    assert sorted(get_args(named)) == sorted(there)


def test_every_unknown_name_of_a_file_is_told_with_those_there_are_when_it_is_loaded(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        f'{HEADING}extends = "digits/mlp"\nnetwork.name = "resnet"\ndata = {{ name = "imagenet", validation = 9 }}\n'
    )
    with pytest.raises(TicketbenchError) as caught:
        load_task(path)
    data, network = str(caught.value).splitlines()[1:]
    assert data == f"  data.name: {IMAGES}, got 'imagenet'. {OWN}"
    assert network.startswith("  network.name: input should be 'lenet-300-100', 'mlp'")
    assert network.endswith("got 'resnet'. Did you mean 'small-resnet'? One of your own is named by network.factory.")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'settings.other.data.name = "mnits"',
            f"settings.other.data.name: {IMAGES}, got 'mnits'. Did you mean 'mnist'? {OWN}",
        ),
        (
            'network.name = "lenet"',
            "got 'lenet'. Did you mean 'lenet-5'? One of your own is named by network.factory.",
        ),
        ('network.init = "glorot"', "'kaiming-normal' or 'default', got 'glorot'. Did you mean 'glorot-normal'?"),
        (
            'data = { kind = "text", name = "wikitext2", sequence = 5, streams = 2 }',
            "'wikitext-2', got 'wikitext2'. Did you mean 'wikitext-2'?",
        ),
        (
            f"data = {{ {PAIRS} }}",
            "data.name: input should be 'multi30k' or 'wmt14', got 'wmt15'. Did you mean 'wmt14'?",
        ),
    ],
)
def test_so_are_those_of_settings_texts_and_pairs(tmp_path, said, told):
    path = tmp_path / "own.toml"
    path.write_text(f'{HEADING}extends = "digits/mlp"\n{said}\n')
    with pytest.raises(TicketbenchError) as caught:
        load_task(path)
    assert told in str(caught.value)


def test_the_schema_names_every_data_set_that_a_setting_may_change_to():
    told = task_schema()["$defs"]["DataChange"]["properties"]["name"]["description"]
    assert all(name in told for names in (ImagesName, TextName, TranslationName) for name in get_args(names))


def test_the_schema_names_every_network_and_initialization():
    told = task_schema()["$defs"]["Network"]["properties"]
    assert all(name in told["name"]["description"] for name in get_args(NetworkName))
    assert all(name in told["init"]["description"] for name in told["init"]["enum"])
