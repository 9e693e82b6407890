"""From operators to the statements of a plan, and to sqlglot trees."""
