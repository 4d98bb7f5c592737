"""scikit-learn's digits: 1,797 grey images of 8x8 pixels with values 0 to 16, part of the installed package."""

import torch

from ticketbench.data.examples import Examples, canonical


def read(test_examples: int) -> tuple[Examples, Examples, str]:
    """Training split, test split (the last images in canonical order), and where they came from, in words."""
    import sklearn.datasets

    raw = sklearn.datasets.load_digits()
    images = torch.from_numpy(raw.images).to(torch.uint8).unsqueeze(1)
    examples = canonical(Examples(images, torch.from_numpy(raw.target).to(torch.int64)))
    return examples[:-test_examples], examples[-test_examples:], f"scikit-learn {sklearn.__version__}"
