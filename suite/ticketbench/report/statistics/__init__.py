"""What the numbers mean: the protocol as pure functions on arrays, which know of no rows and no pages."""
