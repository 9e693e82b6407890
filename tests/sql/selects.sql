-- SELECTs that are kept up to date through random transactions: a name, and the SELECT.

-- columns
SELECT a, b FROM r;

-- expressions
SELECT a + b * 2 AS z, -e, t || 'x' AS w, CASE WHEN a > 1 THEN 'big' END FROM r;

-- where
SELECT a, t FROM r WHERE a > 1 OR b IS NULL AND NOT (e = 1);

-- three_values
SELECT a FROM r WHERE NOT (a = b OR e > 1);

-- in_list
SELECT a, b FROM r WHERE a IN (1, 2) AND b NOT IN (0, 3);

-- between_like
SELECT a, t FROM r WHERE a BETWEEN 1 AND 2 AND t LIKE 'a%';

-- join
SELECT r.a, s.d FROM r JOIN s ON r.a = s.a;

-- comma
SELECT r.a, s.d, u.name FROM r, s, u WHERE r.a = s.a AND s.b = u.k AND r.e < u.x;

-- self_join
SELECT x.a, y.b FROM r x JOIN r AS y ON x.a = y.b;

-- cross
SELECT r.a, u.k FROM r CROSS JOIN u;

-- theta
SELECT r.a, s.b FROM r JOIN s ON r.a < s.b;

-- using
SELECT a, r.b, d FROM r JOIN s USING (a);

-- natural_star
SELECT * FROM (SELECT e, a, b FROM r) r NATURAL LEFT JOIN (SELECT d, a FROM s) s;

-- natural
SELECT * FROM (SELECT a, e FROM r) r NATURAL JOIN (SELECT a, d FROM s) s;

-- left
SELECT r.a, s.d FROM r LEFT JOIN s ON r.a = s.a;

-- left_where
SELECT r.a, s.d FROM r LEFT JOIN s ON r.a = s.a WHERE r.b > 0 AND s.d IS NULL;

-- left_condition
SELECT r.a, r.b, s.d FROM r LEFT JOIN s ON r.a = s.a AND s.d > 1;

-- left_theta
SELECT r.a, r.b, s.d FROM r LEFT JOIN s ON r.a = s.a AND r.b < s.d;

-- left_no_key
SELECT r.a, s.d FROM r LEFT JOIN s ON r.b < s.d;

-- left_left
SELECT r.a, s.d, u.name FROM r LEFT JOIN s ON r.a = s.a LEFT JOIN u ON s.d = u.k;

-- inner_behind_left
SELECT r.a, s.d FROM r LEFT JOIN s ON r.a = s.a JOIN u ON u.k = s.d;

-- right
SELECT r.a, s.d FROM r RIGHT JOIN s ON r.a = s.a;

-- full
SELECT r.a, s.d FROM r FULL JOIN s ON r.a = s.a;

-- full_using
SELECT a, r.b, s.d FROM r FULL JOIN s USING (a);

-- nested
SELECT r.a, s.d FROM r LEFT JOIN (s JOIN u ON s.d = u.k) ON r.a = s.a;

-- group
SELECT a, count(*) AS n, sum(b) AS s, avg(e) AS m FROM r GROUP BY a;

-- no_group
SELECT count(*) AS n, count(b), sum(b), avg(b), min(b), max(t) FROM r WHERE a = 1;

-- group_expression
SELECT a + 1 AS k, max(b) - min(b) AS d FROM r GROUP BY a + 1;

-- group_position
SELECT a % 2 AS odd, sum(b) FROM r GROUP BY 1;

-- group_alias
SELECT coalesce(t, '-') AS k, count(*) FROM r GROUP BY k;

-- group_unused
SELECT count(*) FROM r GROUP BY a, b;

-- having_exists_theta
SELECT a, t FROM r GROUP BY a, t HAVING EXISTS (SELECT 1 FROM s WHERE s.b < r.a);

-- having_scalar_theta
SELECT b FROM r GROUP BY b, t HAVING count(*) <= (SELECT sum(DISTINCT s.d) FROM s WHERE s.a <> r.b);

-- groups_scalar_theta
SELECT r.a, sum(DISTINCT r.b) AS n, (SELECT count(*) FROM u WHERE u.k > r.a) AS m
FROM r GROUP BY r.a;

-- first_and_last_key
SELECT max(row_number) AS last, min(row_number) AS first FROM s;

-- having
SELECT a, count(*) FROM r GROUP BY a HAVING count(*) > 1 AND max(b) > 0;

-- filter
SELECT a, count(*) FILTER (WHERE b > 1) AS n, sum(e) FILTER (WHERE b IS NULL) FROM r GROUP
BY a;

-- distinct_aggregates
SELECT a, count(DISTINCT b), sum(DISTINCT e), avg(DISTINCT e) FROM r GROUP BY a;

-- distinct_of_all
SELECT count(DISTINCT b), sum(DISTINCT b) FROM r;

-- dependent
SELECT row_number, a, b, count(*) FROM r GROUP BY row_number;

-- group_of_join
SELECT u.name, sum(r.b * u.x) AS s FROM r JOIN u ON r.a = u.k GROUP BY u.name;

-- distinct
SELECT DISTINCT a, b FROM r;

-- union
SELECT a FROM r UNION SELECT b FROM s;

-- union_all
SELECT a, t FROM r UNION ALL SELECT k, name FROM u;

-- intersect
SELECT a FROM r INTERSECT SELECT a FROM s;

-- except
SELECT a FROM r EXCEPT SELECT a FROM s;

-- derived
SELECT q.k, q.n + 1 AS m FROM (SELECT a AS k, count(*) AS n FROM r GROUP BY a) q WHERE q.n >
1;

-- derived_join
SELECT q.n, s.d FROM (SELECT a, count(*) AS n FROM r GROUP BY a) q JOIN s ON s.a = q.a;

-- cte
WITH q AS (SELECT a, sum(b) AS s FROM r GROUP BY a) SELECT x.a, y.s FROM q x JOIN q y ON x.s
= y.a;

-- order_limit
SELECT a, b FROM r ORDER BY a DESC, b LIMIT 3;

-- order_offset
SELECT a, b, e FROM r ORDER BY a, b, e LIMIT 3 OFFSET 2;

-- limit_of_one_row
SELECT x.n, y.m, (SELECT count(*) FROM s WHERE s.a > r.a LIMIT 1) AS k
FROM r, (SELECT count(*) AS n FROM s LIMIT 10) x, (SELECT max(a) AS m FROM s) y;

-- names_in_capitals
WITH W(One, TWO) AS (SELECT a, b FROM r)
SELECT Q.ONE AS Alpha, count(*) AS CNT
FROM (SELECT w.one, W.Two AS TOO FROM w) q GROUP BY Alpha HAVING max(TOO) > 0;

-- union_joined
WITH q AS (
    SELECT 'r' AS k, a, count(*) AS n FROM r GROUP BY a
    UNION ALL SELECT 's', a, count(*) FROM s GROUP BY a
    UNION ALL SELECT 'u', x, sum(k) FROM u GROUP BY x
)
SELECT x.a, x.n, y.n AS m, z.n AS o FROM q x JOIN q y ON x.a = y.a
LEFT JOIN q z ON z.a = y.a AND z.k = 'u' WHERE x.k = 'r' AND y.k <> 'u';

-- distinct_limit
SELECT DISTINCT a FROM r ORDER BY a LIMIT 2;

-- exists
SELECT a, b FROM r WHERE EXISTS (SELECT 1 FROM s WHERE s.a = r.a AND s.d > 0);

-- not_exists
SELECT a, b FROM r WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.a = r.a);

-- exists_theta
SELECT a, b FROM r WHERE EXISTS (SELECT 1 FROM s WHERE s.a = r.a AND s.b <> r.b);

-- not_exists_theta
SELECT a, b FROM r WHERE NOT EXISTS (SELECT 1 FROM s WHERE s.a = r.a AND s.b > r.b);

-- exists_or
SELECT a FROM r WHERE b = 1 OR EXISTS (SELECT 1 FROM s WHERE s.a = r.a);

-- in
SELECT a, b FROM r WHERE a IN (SELECT a FROM s);

-- not_in
SELECT a, b FROM r WHERE a NOT IN (SELECT a FROM s WHERE d > 1);

-- in_correlated
SELECT a, b FROM r WHERE b IN (SELECT b FROM s WHERE s.a = r.a);

-- not_in_correlated
SELECT a, b FROM r WHERE NOT (b IN (SELECT b FROM s WHERE s.a = r.a) AND e = 1);

-- in_value
SELECT a, b IN (SELECT b FROM s) AS z FROM r;

-- in_is_null
SELECT a FROM r WHERE (b IN (SELECT b FROM s)) IS NULL;

-- scalar
SELECT a, (SELECT max(d) FROM s) AS m FROM r;

-- scalar_correlated
SELECT a, (SELECT sum(d) FROM s WHERE s.a = r.a) AS m FROM r;

-- scalar_count
SELECT a, (SELECT count(*) + 1 FROM s WHERE s.a = r.a) AS m FROM r;

-- scalar_where
SELECT a FROM r WHERE b > (SELECT avg(d) FROM s WHERE s.a = r.a);

-- scalar_theta
SELECT a, (SELECT count(*) FROM s WHERE s.a < r.a) AS m FROM r;

-- scalar_row
SELECT a, (SELECT name FROM u WHERE u.row_number = r.a) AS m FROM r;

-- scalar_nothing
SELECT a FROM r WHERE (SELECT max(b) FROM s WHERE b > 100) IS NULL;

-- in_having
SELECT a, count(*) FROM r GROUP BY a HAVING a IN (SELECT k FROM u);

-- constant_behind_outer
SELECT s.b, q.z FROM s LEFT JOIN (SELECT a, 1 AS z FROM r) q ON q.a = s.a;

-- rank
SELECT a, b, rank() OVER (PARTITION BY a ORDER BY b) AS n FROM r;

-- named_windows
SELECT a, t, sum(b) OVER w AS n, count(*) OVER (w ORDER BY e) AS m, max(b) OVER () AS k
FROM r WINDOW w AS (PARTITION BY a);

-- window_of_groups
SELECT a, sum(count(*)) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n
FROM r GROUP BY a;

-- first_rows
SELECT * FROM (
    SELECT a, row_number() OVER (PARTITION BY a + 1 ORDER BY row_number) AS n FROM r
) q WHERE n <= 2;

-- lag_and_frames
SELECT a, lag(b, 1, -1) OVER (PARTITION BY e, a ORDER BY row_number DESC) + 1 AS n,
    sum(b) FILTER (WHERE e > 0) OVER (ORDER BY a GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m
FROM r WHERE a IS NOT NULL OR b > 1;

-- correlated_derived
SELECT a, (SELECT max(q.d) FROM (SELECT s.a, s.d FROM s WHERE s.b < r.b) q) AS m FROM r;

-- correlated_window
SELECT a, (SELECT max(q.n) FROM (
    SELECT s.a, rank() OVER (ORDER BY s.d) AS n FROM s WHERE s.b < r.b
) q) AS m FROM r;

-- in_aggregate
SELECT a, a IN (SELECT count(*) FROM s WHERE s.a = r.b) AS z FROM r;

-- aggregate_beside_outer
SELECT a, (SELECT coalesce(sum(d), r.e) FROM s WHERE s.a < r.b) AS z FROM r;

-- values
SELECT r.a, v.column2 FROM r JOIN (VALUES (1, 'x'), (2, 'y'), (NULL, 'z')) v ON v.column1 = r.a;

-- no_from
SELECT a, (SELECT r.b + 1) AS z FROM r WHERE EXISTS (SELECT 1 WHERE r.a > 1)
UNION ALL SELECT NULL, 7;

-- recursive
WITH RECURSIVE p(x, y) AS (
    SELECT a, b FROM s UNION SELECT p.x, s.b FROM p JOIN s ON s.a = p.y
) SELECT * FROM p;

-- recursive_numbers
WITH RECURSIVE p AS (
    SELECT a AS z, 0 AS n FROM s WHERE b = 1 UNION SELECT z + 1, n + 1 FROM p WHERE n < 3
) SELECT z, count(*) AS n FROM p GROUP BY z;

-- sum_of_distinct_beside
SELECT a, sum(DISTINCT b) AS x, sum(DISTINCT e) AS y FROM r GROUP BY a;

-- not_in_rows
SELECT a, b FROM r WHERE (a, b) NOT IN (SELECT a, d FROM s);

-- in_rows_value
SELECT a, (a, b) IN (SELECT s.a, s.d FROM s WHERE s.b < r.e) AS z FROM r;

-- rows_of_values
WITH q(a, n) AS (VALUES (1, 'one'), (2, 'two'))
SELECT q.n, r.b FROM q JOIN r ON r.a = q.a UNION VALUES ('none', NULL), ('three', 3);

-- joins_in_parentheses_correlated
SELECT u.k FROM u WHERE EXISTS (
    SELECT 1 FROM r LEFT JOIN (s FULL JOIN u AS w ON s.a = w.k) ON r.b = s.b WHERE r.a = u.x);

-- nulls_in_the_order_of_a_window
SELECT a, rank() OVER (PARTITION BY e ORDER BY b NULLS LAST, t DESC NULLS FIRST) AS n FROM r;

-- window_of_no_rows
SELECT a, (SELECT count(*) OVER () + rank() OVER (ORDER BY count(*)) FROM s WHERE s.b < r.a) AS n
FROM r;

-- comma_beside_cross_join
SELECT x.a, y.b FROM (SELECT r.a FROM r, s WHERE r.a = s.b) AS x CROSS JOIN u
JOIN s AS y ON y.d = x.a;

-- subquery_in_an_aggregate
SELECT a, sum(b + (SELECT count(*) FROM s WHERE s.a = r.b)) AS n,
    max((SELECT max(d) FROM s WHERE s.b < r.b AND s.a = r.a)) AS m
FROM r GROUP BY a HAVING sum((SELECT count(*) FROM s WHERE s.b = r.e)) >= 0;

-- subquery_in_an_aggregate_of_all
SELECT count(DISTINCT (SELECT max(d) FROM s WHERE s.b = r.b)) AS n,
    avg(CASE WHEN b IN (SELECT b FROM s) THEN 1 ELSE 0 END) AS share FROM r;

-- subquery_in_a_filter
SELECT a, count(*) FILTER (WHERE EXISTS (SELECT 1 FROM s WHERE s.b = r.b)) AS n FROM r GROUP BY a;

-- group_by_subquery
SELECT (SELECT max(d) FROM s WHERE s.b = r.b) AS m, count(*) AS n FROM r GROUP BY 1;

-- group_by_subquery_written_again
SELECT a, CASE WHEN EXISTS (SELECT 1 FROM s WHERE s.b = r.b) THEN 'y' ELSE 'n' END AS x,
    count(*) AS n
FROM r GROUP BY a, CASE WHEN EXISTS (SELECT 1 FROM s WHERE s.b = r.b) THEN 'y' ELSE 'n' END
HAVING EXISTS (SELECT 1 FROM s WHERE s.a = r.a) OR count(*) > 1;

-- group_by_in
SELECT b IN (SELECT b FROM s) AS x, count(*) AS n FROM r GROUP BY b IN (SELECT b FROM s);

-- subquery_beside_the_same_in_on
SELECT r.a, u.k, EXISTS (SELECT 1 FROM s WHERE s.a = u.k) AS x
FROM r LEFT JOIN u ON u.k = r.b AND EXISTS (SELECT 1 FROM s WHERE s.a = u.k);

-- postgres: what SQLite has no words for

-- texts_each_once
SELECT a, string_agg(DISTINCT t, '/' ORDER BY t DESC) AS x, array_agg(DISTINCT b) AS y
FROM r GROUP BY a;

-- intersect_all
SELECT a FROM r INTERSECT ALL SELECT a FROM s;

-- except_all
SELECT a FROM r EXCEPT ALL SELECT a FROM s;

-- distinct_on
SELECT DISTINCT ON (a) a, b, e FROM r ORDER BY a, b, e;

-- bools
SELECT a, bool_and(b > 0), bool_or(e > 1) AS o FROM r GROUP BY a;

-- nulls_last
SELECT a, b FROM r ORDER BY a DESC NULLS LAST, b NULLS FIRST LIMIT 3;

-- casts
SELECT a::text || '!' AS x, b::numeric(6,2) / 7 AS y, e::float8 AS z FROM r;

-- texts
SELECT a, count(*) AS n, string_agg(t, '-' ORDER BY t, row_number) AS x FROM r GROUP BY a;

-- texts_of_all
SELECT string_agg(t, ',' ORDER BY row_number) AS x, count(b), max(e) FROM r;

-- texts_correlated
SELECT u.k, (SELECT string_agg(t, ',' ORDER BY row_number) FROM r WHERE r.a < u.k) AS z FROM u;

-- by_group
SELECT a, stddev(b), var_pop(b), percentile_cont(0.5) WITHIN GROUP (ORDER BY e) AS p,
    mode() WITHIN GROUP (ORDER BY b DESC) AS m, count(DISTINCT (b, e)) AS d, bit_and(b)
FROM r GROUP BY a HAVING count(*) > 1;

-- rollup
SELECT a, b, grouping(a, b) AS g, count(*) AS n, sum(e) AS s FROM r GROUP BY ROLLUP(a, b);

-- cube
SELECT a, t, max(b) AS m FROM r GROUP BY CUBE(a, t) HAVING count(*) > 1;

-- grouping_sets
SELECT a, b, e, count(DISTINCT t) FROM r GROUP BY a, GROUPING SETS ((b), (e), ());

-- any_all
SELECT a, b < ANY (SELECT d FROM s WHERE s.a = r.a) AS x, b >= ALL (SELECT d FROM s) AS y FROM r;

-- any_all_where
SELECT a FROM r WHERE a = ANY (SELECT b FROM s) OR a <> ALL (SELECT d FROM s WHERE s.b > r.b);

-- lateral_first
SELECT r.a, q.d FROM r,
    LATERAL (SELECT d FROM s WHERE s.a = r.a ORDER BY d, row_number LIMIT 2) q;

-- lateral_left
SELECT r.a, q.d, q.n FROM r
LEFT JOIN LATERAL (SELECT d, s.b + r.b AS n FROM s WHERE s.a > r.a) q ON q.d > 1;

-- lateral_aggregate
SELECT r.a, q.n, q.m FROM r
CROSS JOIN LATERAL (SELECT count(*) AS n, max(d) AS m FROM s WHERE s.a = r.a) q WHERE q.n <> r.b;

-- lateral_values
SELECT r.a, v.z FROM r LEFT JOIN LATERAL (VALUES (r.b), (r.e), (NULL)) v(z) ON v.z > 0;

-- texts_of_values
SELECT concat(a, '-', t) AS x, t || a AS y, format('%s %s', a, t) AS z FROM r;

-- json
SELECT a, json_agg(b ORDER BY row_number)::text AS x,
    jsonb_build_object('a', a, 'n', count(*))::text AS y FROM r GROUP BY a;

-- partitions_by_names_like_words
SELECT order_id, sum(b) OVER (PARTITION BY order_id, rows_ ORDER BY row_number) AS n
FROM (SELECT a AS order_id, e AS rows_, b, row_number FROM r) q;

-- formats
SELECT to_char(a, 'FM000') AS x, to_char(timestamp '2020-01-31' + b * interval '1 day', 'Mon YYYY') AS y,
    string_agg(to_char(e * 1.5, '0.00'), ',' ORDER BY row_number) AS z FROM r GROUP BY 1, 2;

-- rollup_having_exists
SELECT a, t FROM r GROUP BY ROLLUP (a, t) HAVING EXISTS (SELECT 1 FROM s WHERE s.b < r.a);

-- text_of_groups_having_exists
SELECT a, string_agg(t, ',' ORDER BY row_number) AS x FROM r
GROUP BY a HAVING NOT EXISTS (SELECT 1 FROM s WHERE s.b < r.a);

-- comma_lateral_left_join_function
SELECT r.a, x.d, n FROM r, LATERAL (SELECT s.d FROM s WHERE s.a = r.a) AS x
LEFT JOIN generate_series(1, r.b) AS g(n) ON n > x.d;

-- comma_left_join_function
SELECT r.a, s.d, n FROM r, s LEFT JOIN generate_series(1, r.b) AS g(n) ON n > s.d WHERE s.b = 1;

-- comma_lateral_right_join
SELECT r.a, x.d, u.k FROM r, LATERAL (SELECT s.d FROM s WHERE s.a < r.a) AS x
RIGHT JOIN u ON u.k = x.d;

-- comma_left_join_of_lateral
SELECT r.a, u.k, y.m FROM r, u
LEFT JOIN (s AS s2 JOIN LATERAL (SELECT max(k) AS m FROM u AS u2 WHERE u2.x > s2.d + r.b) AS y ON true)
    ON s2.a = u.k
WHERE u.x < 3;

-- left_join_function_of_outer
SELECT a, (SELECT count(n) FROM s, u LEFT JOIN generate_series(1, s.a + r.a) AS g(n) ON n > u.k) AS c
FROM r;

-- two_left_joins_of_comma
SELECT r.a, x.d, n, m FROM r, LATERAL (SELECT s.d FROM s WHERE s.a = r.a) AS x
LEFT JOIN generate_series(1, r.b) AS g(n) ON n > x.d LEFT JOIN unnest(ARRAY[r.e, n]) AS h(m) ON m = n;

-- with_ties
SELECT a, b FROM r ORDER BY a DESC FETCH FIRST 2 ROWS WITH TIES;

-- with_ties_of_expressions
SELECT DISTINCT a, t FROM r ORDER BY t NULLS FIRST FETCH FIRST ROW WITH TIES;

-- with_ties_of_each
SELECT s.a, (SELECT count(*) FROM (
    SELECT r.b FROM r WHERE r.a < s.a ORDER BY r.b FETCH FIRST 1 ROW WITH TIES
) AS q) AS n FROM s;

-- with_ties_of_a_union
SELECT a FROM r UNION ALL SELECT b FROM s ORDER BY 1 FETCH FIRST 2 ROWS WITH TIES;

-- subqueries_in_texts
SELECT a, string_agg(DISTINCT t || (SELECT string_agg(d::text, ' ' ORDER BY d) FROM s WHERE s.b = r.b), ',') AS x,
    string_agg(t, ',' ORDER BY (SELECT max(d) FROM s WHERE s.b = r.b), t, row_number) AS y
FROM r GROUP BY a;
