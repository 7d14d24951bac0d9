"""Experiments: recipes trained on data sets, each in a folder of its own."""
