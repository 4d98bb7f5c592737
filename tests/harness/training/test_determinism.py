"""The track that trainings run on, and torch as it was before."""

import torch

from ticketbench.harness.bench import reset_modes
from ticketbench.harness.training.determinism import configure, torch_as_it_was


def settings():
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.get_deterministic_debug_mode(),
        "memory": torch.utils.deterministic.fill_uninitialized_memory,
        "precision": torch.get_float32_matmul_precision(),
        "benchmark": torch.backends.cudnn.benchmark,
        "tf32": torch.backends.cudnn.allow_tf32,
        "gradients": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "generator": torch.get_rng_state().tolist(),
    }


def test_whatever_a_search_sets_of_torch_is_set_back():
    with torch_as_it_was():
        torch.set_num_threads(2)
        torch.set_deterministic_debug_mode("default")
        torch.utils.deterministic.fill_uninitialized_memory = True
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        before = settings()

        with torch_as_it_was():
            configure()
            reset_modes()
            torch.rand(3)
            within = settings()

        assert settings() == before
    assert [name for name in before if within[name] == before[name]] == []
