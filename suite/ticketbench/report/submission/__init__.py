"""A submission: a method's file, its rows, and a manifest of who made them and how. Checked as data, never run."""
