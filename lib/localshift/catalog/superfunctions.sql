-- JSON in text, and SUPER, which is jsonb here.
CREATE FUNCTION pg_catalog.is_valid_json(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 IS JSON OBJECT $$;
CREATE FUNCTION pg_catalog.is_valid_json_array(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 IS JSON ARRAY $$;
CREATE FUNCTION pg_catalog.can_json_parse(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 IS JSON $$;
-- By way of json: a cast from text to SUPER makes a string.
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::json::jsonb $$;
CREATE FUNCTION rs.super_text(jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE jsonb_typeof($1)
        WHEN 'object' THEN '{' || coalesce((SELECT string_agg(to_json(key)::text || ':' || rs.super_text(value), ',') FROM jsonb_each($1)), '') || '}'
        WHEN 'array' THEN '[' || coalesce((SELECT string_agg(rs.super_text(value), ',' ORDER BY n) FROM jsonb_array_elements($1) WITH ORDINALITY AS e (value, n)), '') || ']'
        ELSE format('%s', $1) END;
END $$;
CREATE FUNCTION rs.json_serialize(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.super_text($1) $$;

-- In PL/pgSQL: the planner would read a constant before the test whether it can be read.
CREATE FUNCTION rs.json_or_null(text, null_if_invalid boolean) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF null_if_invalid AND $1 IS NOT JSON THEN
        RETURN NULL;
    END IF;
    RETURN $1::json;
END $$;
CREATE FUNCTION rs.json_extract_path_text(document text, VARIADIC path text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT nullif(document, '')::json #>> path $$;
CREATE FUNCTION rs.json_extract_path_text(null_if_invalid boolean, document text, VARIADIC path text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.json_or_null(nullif(document, ''), null_if_invalid) #>> path $$;
CREATE FUNCTION rs.json_array_length(text, null_if_invalid boolean DEFAULT false) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT json_array_length(rs.json_or_null($1, null_if_invalid)) $$;
CREATE FUNCTION pg_catalog.json_extract_array_element_text(text, integer, null_if_invalid boolean DEFAULT false) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 >= 0 THEN rs.json_or_null($1, null_if_invalid) ->> $2 END $$;

-- PostgreSQL's own builders, which take any number of values of any type, under the names the columns get.
CREATE FUNCTION rs."array"(VARIADIC "any") RETURNS jsonb LANGUAGE internal STABLE PARALLEL SAFE AS 'jsonb_build_array';
CREATE FUNCTION rs."array"() RETURNS jsonb LANGUAGE internal STABLE PARALLEL SAFE AS 'jsonb_build_array_noargs';
CREATE FUNCTION rs.object(VARIADIC "any") RETURNS jsonb LANGUAGE internal STABLE PARALLEL SAFE AS 'jsonb_build_object';
CREATE FUNCTION rs.object() RETURNS jsonb LANGUAGE internal STABLE PARALLEL SAFE AS 'jsonb_build_object_noargs';
CREATE FUNCTION pg_catalog.json_typeof(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT jsonb_typeof($1) $$;
CREATE FUNCTION pg_catalog.json_size(jsonb) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT octet_length(rs.super_text($1)) $$;
CREATE FUNCTION pg_catalog.is_array(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(jsonb_typeof($1) = 'array', false) $$;
CREATE FUNCTION pg_catalog.is_object(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(jsonb_typeof($1) = 'object', false) $$;
CREATE FUNCTION pg_catalog.is_scalar(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(jsonb_typeof($1) IN ('string', 'number', 'boolean'), false) $$;
CREATE FUNCTION pg_catalog.is_varchar(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(jsonb_typeof($1) = 'string', false) $$;
CREATE FUNCTION pg_catalog.is_boolean(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT coalesce(jsonb_typeof($1) = 'boolean', false) $$;
CREATE FUNCTION pg_catalog.is_bigint(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_typeof($1) = 'number' AND pg_input_is_valid($1 #>> '{}', 'bigint'), false) $$;
CREATE FUNCTION pg_catalog.is_integer(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_typeof($1) = 'number' AND pg_input_is_valid($1 #>> '{}', 'integer'), false) $$;
CREATE FUNCTION pg_catalog.is_smallint(jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(jsonb_typeof($1) = 'number' AND pg_input_is_valid($1 #>> '{}', 'smallint'), false) $$;

CREATE FUNCTION pg_catalog.get_array_length(jsonb) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'array' THEN jsonb_array_length($1) END $$;
CREATE FUNCTION pg_catalog.array_concat(jsonb, jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN is_array($1) AND is_array($2) THEN $1 || $2 END $$;
CREATE FUNCTION rs.leaves(jsonb, depth integer) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN (SELECT coalesce(jsonb_agg(leaf ORDER BY n, m), '[]') FROM jsonb_array_elements($1) WITH ORDINALITY AS e (item, n)
        CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(item) = 'array' THEN rs.leaves(item, $2 + 1) ELSE jsonb_build_array(item) END)
            WITH ORDINALITY AS l (leaf, m));
END $$;
CREATE FUNCTION pg_catalog.array_flatten(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN is_array($1) THEN rs.leaves($1, 0) END $$;
CREATE FUNCTION pg_catalog.subarray(jsonb, integer, integer DEFAULT 2147483647) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN is_array($1) THEN (SELECT coalesce(jsonb_agg(item ORDER BY n), '[]') FROM jsonb_array_elements($1) WITH ORDINALITY AS e (item, n)
        WHERE n - 1 >= CASE WHEN $2 < 0 THEN jsonb_array_length($1) + $2 ELSE $2 END
            AND n - 1 < CASE WHEN $2 < 0 THEN jsonb_array_length($1) + $2 ELSE $2 END::bigint + $3) END $$;
CREATE FUNCTION pg_catalog.split_to_array(text, text DEFAULT ',') RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT to_jsonb(string_to_array($1, $2)) $$;

-- Iteration over the elements of an array or the attributes of an object; null has none. Of other values nothing is documented.
CREATE FUNCTION rs.iterable(value jsonb, kind text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF value IS NULL OR jsonb_typeof(value) = 'null' THEN
        RETURN CASE kind WHEN 'array' THEN '[]'::jsonb ELSE '{}'::jsonb END;
    ELSIF jsonb_typeof(value) <> kind THEN
        RAISE EXCEPTION 'iterating over a SUPER value that is no % is not supported by localshift', kind USING ERRCODE = '0A000';
    END IF;
    RETURN value;
END $$;
CREATE FUNCTION rs.elements(jsonb, OUT item jsonb, OUT place bigint) RETURNS SETOF record LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT value, n - 1 FROM jsonb_array_elements(rs.iterable($1, 'array')) WITH ORDINALITY AS e (value, n) $$;
CREATE FUNCTION rs.attributes(jsonb, OUT item jsonb, OUT place varchar) RETURNS SETOF record LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT value, key::varchar FROM jsonb_each(rs.iterable($1, 'object')) $$;

-- A number or a string to compare with one; null for a value of another kind.
CREATE FUNCTION rs.super_number_only(jsonb) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'number' THEN ($1 #>> '{}')::numeric END $$;
CREATE FUNCTION rs.super_string_only(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE jsonb_typeof($1) WHEN 'string' THEN $1 #>> '{}' END $$;
