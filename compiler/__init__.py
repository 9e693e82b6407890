"""See ARCHITECTURE.md."""

if not __name__.startswith("stepping."):  # a second copy of every class would follow
    raise ImportError(
        "import stepping.compiler, not compiler: run python outside the checkout, or install it"
    )
