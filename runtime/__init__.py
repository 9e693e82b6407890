"""See ARCHITECTURE.md."""

if not __name__.startswith("stepping."):  # a second copy of every class would follow
    raise ImportError(
        "import stepping.runtime, not runtime: run python from outside the checkout, or install it"
    )
