"""Tables into pages: the leaderboard as a static site."""
