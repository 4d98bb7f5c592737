"""The report wing: reads rows, and makes of them the statistics and the pages that a reader sees."""
