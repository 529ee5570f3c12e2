-- Functions of SUPER arrays. What is searched for comes as the only element of an array. Nulls are values, unless null_match says otherwise.
CREATE FUNCTION rs.array_position(elements jsonb, value jsonb, null_match boolean) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof($1) <> 'array' OR (NOT $3 AND $2 -> 0 = 'null') THEN NULL
        ELSE coalesce((SELECT min(n) - 1 FROM jsonb_array_elements($1) WITH ORDINALITY AS e (v, n) WHERE v = $2 -> 0),
            CASE WHEN NOT $3 AND $1 @> '[null]' THEN NULL ELSE -1 END) END::integer $$;
CREATE FUNCTION rs.array_contains(elements jsonb, value jsonb, null_match boolean) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.array_position($1, $2, $3) >= 0 $$;
CREATE FUNCTION pg_catalog.array_distinct(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'array' THEN (SELECT coalesce(jsonb_agg(v ORDER BY n), '[]')
        FROM (SELECT v, min(n) AS n FROM jsonb_array_elements($1) WITH ORDINALITY AS e (v, n) GROUP BY v) AS s) END $$;
-- Kinds come in Redshift's order; within one numbers by size and texts by their letters.
CREATE FUNCTION rs.array_sort(elements jsonb, ascending boolean, nulls_first boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'array' THEN (SELECT coalesce(jsonb_agg(v ORDER BY CASE WHEN (v = 'null') = $3 THEN 0 ELSE 1 END, place), '[]')
        FROM (SELECT v, row_number() OVER (ORDER BY kind, number, letters, v) * CASE WHEN $2 THEN 1 ELSE -1 END AS place
            FROM (SELECT v, array_position('{boolean,number,string,array,object,null}', jsonb_typeof(v)) AS kind,
                CASE jsonb_typeof(v) WHEN 'number' THEN v::text::numeric END AS number, CASE jsonb_typeof(v) WHEN 'string' THEN v #>> '{}' END AS letters
                FROM jsonb_array_elements($1) AS e (v)) AS kinds) AS placed) END $$;
CREATE FUNCTION pg_catalog.array_sort(elements jsonb, ascending boolean DEFAULT true) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.array_sort($1, $2, NOT $2) $$;
CREATE FUNCTION pg_catalog.array_sort(elements jsonb, ascending boolean, nulls_first boolean) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.array_sort($1, $2, $3) $$;
