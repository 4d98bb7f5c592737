"""Rows into tables: what may stand side by side, and what each cell counts for; published numbers beside them."""
