"""Row functions: the source of a lambda or def, translated to typed scalars."""
