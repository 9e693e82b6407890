"""Queries of workloads written by hand, as fast as their database allows, one module each."""
