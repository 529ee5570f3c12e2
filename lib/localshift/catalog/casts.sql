-- TRY_CAST is null where the value cannot be had in the type. What no value of a type can be cast to stays an error.
CREATE FUNCTION rs.try_cast(value anyelement, target text) RETURNS text LANGUAGE plpgsql STABLE STRICT AS $$
DECLARE
    made text;
BEGIN
    EXECUTE format('SELECT ($1::%s)::text', target) INTO made USING value;
    RETURN made;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END $$;

-- Attribute names of SUPER in one case, at every depth.
CREATE FUNCTION rs.cased_names(value jsonb, upwards boolean) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE jsonb_typeof(value)
        WHEN 'object' THEN coalesce((SELECT jsonb_object_agg(CASE WHEN upwards THEN pg_catalog.upper(k) ELSE pg_catalog.lower(k) END, rs.cased_names(v, upwards))
            FROM jsonb_each(value) AS e (k, v)), '{}')
        WHEN 'array' THEN coalesce((SELECT jsonb_agg(rs.cased_names(v, upwards) ORDER BY n) FROM jsonb_array_elements(value) WITH ORDINALITY AS e (v, n)), '[]')
        ELSE value END;
END $$;
CREATE FUNCTION pg_catalog.lower_attribute_names(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.cased_names($1, false) $$;
CREATE FUNCTION pg_catalog.upper_attribute_names(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.cased_names($1, true) $$;

CREATE FUNCTION pg_catalog.current_user_id() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT usesysid::integer FROM pg_catalog.pg_user WHERE usename = current_user $$;
