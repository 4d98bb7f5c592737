"""Two sets of results held against each other: pairs of rows, what became of them, and how that is told."""
