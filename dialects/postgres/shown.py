"""What belongs to others of a relation that readers know: its owner, who may read it, what is said
of it, its options, and the views of the application over it.

A relation whose columns stay is never dropped: it is emptied, as a view of no rows, and made anew
by CREATE OR REPLACE VIEW. One that loses or retypes a column is dropped, which Postgres allows
where nothing reads it; what belongs to others is noted before, and given back behind it. All of
it is looked up when a script runs, since roles differ from one database to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

from stepping.dialects.capture import literal
from stepping.dialects.layout import indented


def _named(names: Sequence[str]) -> str:
    listed = ", ".join(map(literal, names))
    return f"c.relname IN ({listed}) AND pg_table_is_visible(c.oid)"


def _each(names: Sequence[str]) -> str:
    return (
        "(\n"
        "  SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name\n"
        "  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace\n"
        f"  WHERE {_named(names)}\n"
        ") AS c"
    )


_OPTIONS = (
    "SELECT format('ALTER VIEW %s SET (%s)', c.name, array_to_string(c.reloptions, ', ')) "
    "WHERE c.reloptions IS NOT NULL"
)


def emptied(names: Sequence[str]) -> str:
    """Has relations show no rows, and be made of nothing; their options are noted."""
    return (
        "DO $stepping$\n"
        "DECLARE\n"
        "  made text;\n"
        "BEGIN\n"
        "  PERFORM set_config('stepping.options', coalesce(string_agg(o.said, '; '), ''), true)\n"
        f"  FROM {indented(_each(names)).lstrip()}\n"
        f"  CROSS JOIN LATERAL ({_OPTIONS}) AS o (said);\n"
        "  FOR made IN\n"
        "    SELECT format('CREATE OR REPLACE VIEW %s AS SELECT %s WHERE false', c.name,\n"
        "      string_agg(format('NULL::%s%s AS %I', format_type(a.atttypid, a.atttypmod),\n"
        "        ' COLLATE ' || a.attcollation::regcollation, a.attname),\n"
        "        ', ' ORDER BY a.attnum))\n"
        f"    FROM {indented(_each(names), 4).lstrip()}\n"
        "    JOIN (\n"
        "      SELECT attrelid, attname, attnum, atttypid, atttypmod,\n"
        "        nullif(attcollation, 0) AS attcollation\n"
        "      FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped\n"
        "    ) AS a ON a.attrelid = c.oid\n"
        "    GROUP BY c.name\n"
        "  LOOP\n"
        "    EXECUTE made;\n"
        "  END LOOP;\n"
        "END $stepping$"
    )


def noted(names: Sequence[str], columns: Sequence[str]) -> str:
    """Notes what belongs to others of relations that are made anew, as statements; of columns, of
    those that are there afterwards.
    """
    among = f"a.attname IN ({', '.join(map(literal, columns))})" if columns else "false"
    to = (
        "CASE p.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.grantee)) END, "
        "CASE WHEN p.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END"
    )
    return (
        "SELECT set_config('stepping.noted', "
        "coalesce(string_agg(o.said, E';\\n' ORDER BY o.place), ''), true)\n"
        f"FROM {_each(names)}\n"
        "CROSS JOIN LATERAL (\n"
        "  -- whose it is\n"
        "  SELECT 1, format('ALTER VIEW %s OWNER TO %I', c.name, pg_get_userbyid(c.relowner))\n"
        "  WHERE pg_get_userbyid(c.relowner) <> current_user\n"
        "  UNION ALL  -- its options\n"
        f"  SELECT 2, {_OPTIONS.removeprefix('SELECT ')}\n"
        "  UNION ALL  -- who may do what with it\n"
        f"  SELECT 3, format('GRANT %s ON %s TO %s%s', p.privilege_type, c.name, {to})\n"
        "  FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS p\n"
        "  UNION ALL  -- and with its columns\n"
        f"  SELECT 4, format('GRANT %s (%I) ON %s TO %s%s', p.privilege_type, a.attname, c.name, "
        f"{to})\n"
        "  FROM pg_attribute AS a CROSS JOIN aclexplode(a.attacl) AS p\n"
        f"  WHERE a.attrelid = c.oid AND {among}\n"
        "  UNION ALL  -- what is said of it\n"
        "  SELECT 5, format('COMMENT ON VIEW %s IS %L', c.name,\n"
        "    obj_description(c.oid, 'pg_class'))\n"
        "  WHERE obj_description(c.oid, 'pg_class') IS NOT NULL\n"
        "  UNION ALL  -- and of its columns\n"
        "  SELECT 6, format('COMMENT ON COLUMN %s.%I IS %L', c.name, a.attname, "
        "col_description(c.oid, a.attnum))\n"
        "  FROM pg_attribute AS a\n"
        f"  WHERE a.attrelid = c.oid AND {among} AND col_description(c.oid, a.attnum) IS NOT NULL\n"
        ") AS o (place, said)"
    )


def given_back(staying: Sequence[str], dropped: Sequence[str]) -> str:
    """Gives back what was noted. An owner that is another role reads the tables behind it."""
    body = []
    if dropped:
        body += [
            "FOR had IN  -- not what ALTER DEFAULT PRIVILEGES says, but what there was",
            "  SELECT DISTINCT format('REVOKE ALL ON %s FROM %s', c.name, CASE p.grantee",
            "    WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(p.grantee)) END)",
            f"  FROM {indented(_each(dropped)).lstrip()}",
            "  CROSS JOIN aclexplode(c.relacl) AS p",
            "LOOP",
            "  EXECUTE had;",
            "END LOOP;",
            "IF current_setting('stepping.noted') <> '' THEN",
            "  EXECUTE current_setting('stepping.noted');",
            "END IF;",
        ]
    if staying:
        body += [
            "IF current_setting('stepping.options') <> '' THEN",
            "  EXECUTE current_setting('stepping.options');",
            "END IF;",
        ]
    body += [
        "FOR had IN",
        "  SELECT DISTINCT format('GRANT SELECT ON %s TO %I', t.oid::regclass,",
        "    pg_get_userbyid(c.relowner))",
        f"  FROM {indented(_each([*staying, *dropped])).lstrip()}",
        "  JOIN pg_rewrite AS r ON r.ev_class = c.oid",
        "  JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid",
        "    AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid",
        "  JOIN pg_class AS t ON t.oid = d.refobjid",
        "  WHERE pg_get_userbyid(t.relowner) = current_user",
        "    AND NOT has_table_privilege(c.relowner, t.oid, 'SELECT')",
        "LOOP",
        "  EXECUTE had;",
        "END LOOP;",
    ]
    text = "\n".join(indented(line) for line in body)
    return f"DO $stepping$\nDECLARE\n  had text;\nBEGIN\n{text}\nEND $stepping$"


# -- what is made of a relation -------------------------------------------------------------------


def readers(names: Sequence[str]) -> str:
    """A SELECT of what the application has made of relations: what each is, and what makes it."""
    return (
        "WITH RECURSIVE relation (oid, depth) AS (\n"
        f"  SELECT c.oid, 0 FROM pg_class AS c WHERE {_named(names)}\n"
        "  UNION ALL  -- views, and views of views\n"
        "  SELECT r.ev_class, n.depth + 1\n"
        "  FROM relation AS n\n"
        "  JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = n.oid\n"
        "    AND d.classid = 'pg_rewrite'::regclass\n"
        "  JOIN pg_rewrite AS r ON r.oid = d.objid AND r.ev_class <> n.oid\n"
        "), found AS (\n"
        "  SELECT c.oid AS n, max(r.depth) AS depth,\n"
        "    CASE c.relkind WHEN 'm' THEN 'materialized ' ELSE '' END\n"
        "      || 'view ' || c.oid::regclass AS what,\n"
        "    format(E'CREATE %sVIEW %s AS\\n%s',\n"
        "      CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' END,\n"
        "      c.oid::regclass, pg_get_viewdef(c.oid, true)) AS made\n"
        "  FROM relation AS r JOIN pg_class AS c ON c.oid = r.oid\n"
        "  WHERE r.depth > 0 GROUP BY c.oid\n"
        "  UNION  -- functions, triggers and rules\n"
        "  SELECT d.objid, 1000, pg_describe_object(d.classid, d.objid, 0), CASE d.classid\n"
        "    WHEN 'pg_proc'::regclass THEN pg_get_functiondef(d.objid)\n"
        "    WHEN 'pg_trigger'::regclass THEN pg_get_triggerdef(d.objid) || ';'\n"
        "    WHEN 'pg_rewrite'::regclass THEN pg_get_ruledef(d.objid) ELSE '' END\n"
        "  FROM relation AS r JOIN pg_class AS c ON c.oid = r.oid\n"
        "  JOIN pg_depend AS d ON d.deptype IN ('n', 'a')\n"
        "    AND (d.refclassid, d.refobjid) IN (('pg_class'::regclass, r.oid),\n"
        "      ('pg_type'::regclass, c.reltype))\n"
        "  WHERE d.classid <> 'pg_rewrite'::regclass OR EXISTS (\n"
        "    SELECT FROM pg_rewrite AS w\n"
        "    WHERE w.oid = d.objid AND w.rulename <> '_RETURN' AND w.ev_class = r.oid)\n"
        ")\n"
        "SELECT what, made FROM found ORDER BY depth, n"
    )


def unread(names: Sequence[str]) -> str:
    """Fails where the application has made something of relations that are going to be dropped."""
    listed = ", ".join(names)
    says = f"stepping: what the application has made of {listed} is in the way of dropping it. "
    says += "Drop it, and make it again behind this:"
    return (
        "DO $stepping$\n"
        "DECLARE\n"
        "  found text;\n"
        "BEGIN\n"
        "  SELECT string_agg(E'\\n-- ' || o.what || E'\\n' || o.made, '') INTO found\n"
        f"  FROM (\n{indented(readers(names), 4)}\n  ) AS o;\n"
        "  IF found IS NOT NULL THEN\n"
        f"    RAISE EXCEPTION USING MESSAGE = {literal(says)} || found;\n"
        "  END IF;\n"
        "END $stepping$"
    )
