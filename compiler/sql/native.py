"""Scalars in words of the database that the front end puts around others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from stepping.compiler import ir
from stepping.compiler.schema import Atom


def native(template: str, args: Sequence[ir.Scalar], atom: Atom, **named: ir.Scalar) -> ir.Scalar:
    """Words with ``{0}``, ``{1}``, ... or ``{name}`` for scalars."""
    words, found = [""], []
    rest = template
    while rest:
        text, brace, rest = rest.partition("{")
        words[-1] += text
        if brace:
            name, _, rest = rest.partition("}")
            found.append(args[int(name)] if name.isdigit() else named[name])
            words.append("")
    if words == ["", ""]:
        return dataclasses.replace(found[0], type=atom)
    return ir.Native(tuple(words), tuple(found), atom)
