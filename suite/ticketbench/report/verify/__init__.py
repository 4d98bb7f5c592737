"""Published rows held against what comes out when they are computed again."""
