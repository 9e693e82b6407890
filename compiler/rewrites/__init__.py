"""Rewrites of a query: each is one function from operators to operators."""
