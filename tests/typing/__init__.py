"""What type checkers say of the public names: checked by mypy in strict mode, not run."""
