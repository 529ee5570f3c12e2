-- Redshift's functions that PostgreSQL lacks, or has with another meaning. Names whose meaning differs live in schema rs
-- and are reached by the dialect; the others live in pg_catalog under their own names.
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT rs.session_value('copy_count') $$;
CREATE FUNCTION pg_catalog.pg_last_unload_count() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT rs.session_value('unload_count') $$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT coalesce(nullif(rs.session_value('copy_id'), 0), -1)::integer $$;
CREATE FUNCTION pg_catalog.pg_last_query_id() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT coalesce(nullif(rs.session_value('query_id'), 0), -1)::integer $$;

-- The front finds the columns of late-binding views before a query that wants them.
CREATE FUNCTION rs.late_type(oid, integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE $1 WHEN 3802 THEN 'super' WHEN 17 THEN 'binary varying' || CASE WHEN $2 > 0 THEN format('(%s)', $2) ELSE '' END ELSE pg_catalog.format_type($1, $2) END $$;
CREATE FUNCTION rs.late_columns() RETURNS TABLE (schema_name name, view_name name, column_name name, column_type varchar, column_number integer)
LANGUAGE sql STABLE AS $$
    SELECT (c ->> 0)::name, (c ->> 1)::name, (c ->> 2)::name,
        rs.late_type((c ->> 3)::oid, (c ->> 4)::integer)::varchar, (c ->> 5)::integer
    FROM json_array_elements(coalesce(nullif(current_setting('redshift.late_columns', true), ''), '[]')::json) AS w (c) $$;
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS $$
    SELECT schema_name, view_name, column_name, column_type, column_number FROM rs.late_columns() $$;

CREATE FUNCTION rs.version() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (localshift)' $$;
CREATE FUNCTION rs.strtol(text, integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    digits text := lower(btrim($1));
    negative boolean := false;
    total numeric := 0;
    digit integer;
BEGIN
    IF $2 NOT BETWEEN 2 AND 36 THEN
        RAISE EXCEPTION 'Invalid base % for STRTOL, base must be between 2 and 36', $2 USING ERRCODE = '22023';
    END IF;
    IF left(digits, 1) IN ('-', '+') THEN
        negative := left(digits, 1) = '-';
        digits := substr(digits, 2);
    END IF;
    IF $2 = 16 AND left(digits, 2) = '0x' THEN
        digits := substr(digits, 3);
    END IF;
    IF digits = '' OR digits ~ '[^0-9a-z]' THEN
        RAISE EXCEPTION 'The input % is not valid to be converted to base %', $1, $2 USING ERRCODE = '22P02';
    END IF;
    IF $2 = 16 AND digits !~ '[^0-9a-f]' THEN
        RETURN ((CASE WHEN negative THEN '-0x' ELSE '0x' END) || digits)::bigint;
    END IF;
    FOR i IN 1..length(digits) LOOP
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', substr(digits, i, 1)) - 1;
        IF digit >= $2 THEN
            RAISE EXCEPTION 'The input % is not valid to be converted to base %', $1, $2 USING ERRCODE = '22P02';
        END IF;
        total := total * $2 + digit;
    END LOOP;
    RETURN (CASE WHEN negative THEN -total ELSE total END)::bigint;
END $$;

-- Plain hexadecimal, the form of checksums, without the loop.
CREATE FUNCTION pg_catalog.strtol(text, integer) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 = 16 AND $1 ~ '^[0-9a-fA-F]+$' THEN ('0x' || $1)::bigint ELSE rs.strtol($1, $2) END $$;

-- AVG of integers is an integer, of decimals a decimal of the same scale: both are cut, not rounded.
CREATE FUNCTION rs.add_integer(numeric[], bigint) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$ BEGIN RETURN ARRAY[$1[1] + 1, $1[2] + $2]; END $$;
CREATE FUNCTION rs.integer_mean(numeric[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc($1[2] / nullif($1[1], 0))::bigint $$;
CREATE FUNCTION rs.small_mean(bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1[2] / nullif($1[1], 0) $$;
CREATE AGGREGATE rs.avg(bigint) (SFUNC = rs.add_integer, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = rs.integer_mean);
CREATE AGGREGATE rs.avg(integer) (SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = rs.small_mean);
CREATE AGGREGATE rs.avg(smallint) (SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = rs.small_mean);
CREATE FUNCTION rs.add_decimal(numeric[], numeric) RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY[$1[1] + 1, $1[2] + $2, greatest($1[3], scale($2))];
END $$;
CREATE FUNCTION rs.decimal_mean(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc($1[2] / nullif($1[1], 0), $1[3]::integer) $$;
CREATE AGGREGATE rs.avg(numeric) (SFUNC = rs.add_decimal, STYPE = numeric[], INITCOND = '{0,0,0}', FINALFUNC = rs.decimal_mean);
CREATE AGGREGATE rs.avg(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg);
CREATE AGGREGATE rs.avg(real) (SFUNC = float4_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg);


-- SUM of BIGINT is a BIGINT.
CREATE AGGREGATE rs.sum(bigint) (SFUNC = int8pl, STYPE = bigint);
CREATE AGGREGATE rs.sum(integer) (SFUNC = int4_sum, STYPE = bigint);
CREATE AGGREGATE rs.sum(smallint) (SFUNC = int2_sum, STYPE = bigint);
CREATE AGGREGATE rs.sum(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_sum);
CREATE AGGREGATE rs.sum(double precision) (SFUNC = float8pl, STYPE = double precision);
CREATE FUNCTION rs.add_real(double precision, real) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 IS NULL THEN $1 ELSE coalesce($1, 0) + $2 END $$;
CREATE AGGREGATE rs.sum(real) (SFUNC = rs.add_real, STYPE = double precision);
CREATE AGGREGATE rs.sum(interval) (SFUNC = interval_pl, STYPE = interval);

-- Deviations and variances are of double precision whatever their argument is.
CREATE AGGREGATE rs.stddev(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_stddev_samp);
CREATE AGGREGATE rs.stddev_samp(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_stddev_samp);
CREATE AGGREGATE rs.stddev_pop(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_stddev_pop);
CREATE AGGREGATE rs.variance(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_var_samp);
CREATE AGGREGATE rs.var_samp(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_var_samp);
CREATE AGGREGATE rs.var_pop(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_var_pop);

CREATE FUNCTION rs.middle(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT trim_scale(pg_catalog.avg(v)) FROM (SELECT v, row_number() OVER (ORDER BY v) AS i, count(*) OVER () AS n FROM unnest($1) AS u (v) WHERE v IS NOT NULL) AS s
    WHERE i IN ((n + 1) / 2, n / 2 + 1) $$;
CREATE FUNCTION rs.middle(double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM unnest($1) AS u (v) $$;
CREATE AGGREGATE rs.median(numeric) (SFUNC = array_append, STYPE = numeric[], INITCOND = '{}', FINALFUNC = rs.middle);
CREATE AGGREGATE rs.median(double precision) (SFUNC = array_append, STYPE = double precision[], INITCOND = '{}', FINALFUNC = rs.middle);

CREATE FUNCTION rs.ratio_to_report(double precision, total double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT $1 / nullif($2, 0) $$;

-- IGNORE NULLS: an aggregate whose step is strict passes nulls over, and keeps the first value or the last of its frame.
CREATE FUNCTION rs.keep_first(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $1';
CREATE FUNCTION rs.keep_last(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT $2';
CREATE AGGREGATE rs.first_value(anyelement) (SFUNC = rs.keep_first, STYPE = anyelement);
CREATE AGGREGATE rs.last_value(anyelement) (SFUNC = rs.keep_last, STYPE = anyelement);
CREATE AGGREGATE rs.lag(anyelement) (SFUNC = rs.keep_last, STYPE = anyelement);
CREATE AGGREGATE rs.lead(anyelement) (SFUNC = rs.keep_first, STYPE = anyelement);

-- Roots, powers and logarithms are of double precision; PostgreSQL has them for decimals too, with other digits.
CREATE FUNCTION rs.sqrt(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT dsqrt($1) $$;
CREATE FUNCTION rs.exp(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.dexp($1) $$;
CREATE FUNCTION rs.pow(double precision, double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT dpow($1, $2) $$;
CREATE FUNCTION rs.power(double precision, double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT dpow($1, $2) $$;
CREATE FUNCTION rs.dlog10(double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.dlog10($1) $$;
CREATE FUNCTION pg_catalog.round(double precision, integer) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT round($1::numeric, $2)::double precision $$;
CREATE FUNCTION pg_catalog.trunc(double precision, integer) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT trunc($1::numeric, $2)::double precision $$;
-- Of an integer these are integers.
DO $types$ DECLARE kind text; name text; BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint'] LOOP
        FOREACH name IN ARRAY ARRAY['ceil', 'ceiling', 'floor', 'round', 'trunc', 'sign'] LOOP
            EXECUTE format('CREATE FUNCTION pg_catalog.%I(%s) RETURNS %s LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS %L', name, kind, kind,
                CASE name WHEN 'sign' THEN format('SELECT CASE WHEN $1 > 0 THEN 1 WHEN $1 < 0 THEN -1 ELSE 0 END::%s', kind) ELSE 'SELECT $1' END);
        END LOOP;
    END LOOP;
END $types$;

-- Decimal division has the scale that Redshift's rules give it. What translates a statement writes `a / '(9)'::rs.places / b` for
-- `a / b`, which binds as the division did. What lies beyond the scale is cut off, by dividing whole numbers.
CREATE TYPE rs.places AS (digits integer);
CREATE TYPE rs.dividend AS (value numeric, digits integer);
CREATE FUNCTION rs.quotient(numeric, numeric, digits integer) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 1 AS $$
    SELECT div($1 * round(power(10::numeric, $3)), $2) * round(power(10::numeric, -$3), $3) $$;
CREATE FUNCTION rs.dividend(numeric, rs.places) RETURNS rs.dividend LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1 AS $$
    SELECT ROW($1, ($2).digits)::rs.dividend $$;
CREATE FUNCTION rs.quotient(rs.dividend, numeric) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 1 AS $$
    SELECT rs.quotient(($1).value, $2, ($1).digits) $$;
CREATE OPERATOR pg_catalog./ (LEFTARG = numeric, RIGHTARG = rs.places, FUNCTION = rs.dividend);
CREATE OPERATOR pg_catalog./ (LEFTARG = rs.dividend, RIGHTARG = numeric, FUNCTION = rs.quotient);
-- For the time of one reading of a statement, which PostgreSQL prints as a message: its log is to stay as it is.
GRANT SET ON PARAMETER log_min_messages TO PUBLIC;
