-- Percentiles over a window and distinct texts: of an array in the window's order. Nulls do not count.
CREATE FUNCTION rs.percentile_disc(fraction double precision, sorted anyarray) RETURNS anyelement LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found sorted%TYPE := array_remove(sorted, NULL);
BEGIN
    IF fraction NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'percentile value % is not between 0 and 1', fraction USING ERRCODE = '22003';
    END IF;
    RETURN found[greatest(ceil(fraction * cardinality(found))::integer, 1)];
END $$;
CREATE FUNCTION rs.percentile_cont(fraction double precision, sorted double precision[]) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found double precision[] := array_remove(sorted, NULL);
    place double precision := fraction * (cardinality(found) - 1);
    below double precision := found[floor(place)::integer + 1];
BEGIN
    IF fraction NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'percentile value % is not between 0 and 1', fraction USING ERRCODE = '22003';
    END IF;
    RETURN below + (found[ceil(place)::integer + 1] - below) * (place - floor(place));
END $$;
CREATE FUNCTION rs.distinct_texts(texts text[], separator text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg(t, $2 ORDER BY n) FROM (SELECT t, min(n) AS n FROM unnest($1) WITH ORDINALITY AS u (t, n) WHERE t IS NOT NULL GROUP BY t) AS s $$;
