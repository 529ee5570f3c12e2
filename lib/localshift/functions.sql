-- Redshift's functions that PostgreSQL lacks, or has with another meaning. Names whose meaning differs live in schema rs
-- and are reached by the dialect; the others live in pg_catalog under their own names.
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT rs.session_value('copy_count') $$;
CREATE FUNCTION pg_catalog.pg_last_unload_count() RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT rs.session_value('unload_count') $$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT coalesce(nullif(rs.session_value('copy_id'), 0), -1)::integer $$;
CREATE FUNCTION pg_catalog.pg_last_query_id() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT coalesce(nullif(rs.session_value('query_id'), 0), -1)::integer $$;

-- A late-binding view is bound at its use, so what its columns will be is not known here.
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE sql STABLE AS $$
    SELECT NULL::name, NULL::name, NULL::name, NULL::text, NULL::integer WHERE false $$;

CREATE FUNCTION rs.version() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (localshift)' $$;
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT statement_timestamp() AT TIME ZONE 'UTC' $$;
CREATE FUNCTION rs.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT transaction_timestamp() AT TIME ZONE 'UTC' $$;

CREATE FUNCTION pg_catalog.charindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT strpos($2, $1) $$;
CREATE FUNCTION rs.concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT $1 || $2 $$;
CREATE FUNCTION pg_catalog.sha2(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(CASE $2 WHEN 224 THEN sha224(convert_to($1, 'UTF8')) WHEN 384 THEN sha384(convert_to($1, 'UTF8'))
        WHEN 512 THEN sha512(convert_to($1, 'UTF8')) WHEN 256 THEN sha256(convert_to($1, 'UTF8')) WHEN 0 THEN sha256(convert_to($1, 'UTF8')) END, 'hex')
$$;
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

CREATE FUNCTION rs.unit(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE
        WHEN lower($1) IN ('millennium', 'millennia', 'mil', 'mils') THEN 'millennium'
        WHEN lower($1) IN ('century', 'centuries', 'c', 'cent', 'cents') THEN 'century'
        WHEN lower($1) IN ('decade', 'decades', 'dec', 'decs') THEN 'decade'
        WHEN lower($1) IN ('year', 'years', 'y', 'yr', 'yrs') THEN 'year'
        WHEN lower($1) IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN 'quarter'
        WHEN lower($1) IN ('month', 'months', 'mon', 'mons') THEN 'month'
        WHEN lower($1) IN ('week', 'weeks', 'w') THEN 'week'
        WHEN lower($1) IN ('day', 'days', 'd') THEN 'day'
        WHEN lower($1) IN ('hour', 'hours', 'h', 'hr', 'hrs') THEN 'hour'
        WHEN lower($1) IN ('minute', 'minutes', 'm', 'min', 'mins') THEN 'minute'
        WHEN lower($1) IN ('second', 'seconds', 's', 'sec', 'secs') THEN 'second'
        WHEN lower($1) IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs', 'msecond', 'mseconds', 'millisec', 'millisecs', 'millisecon') THEN 'millisecond'
        WHEN lower($1) IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs', 'usecond', 'useconds', 'microsec', 'microsecs', 'microsecond') THEN 'microsecond'
        WHEN lower($1) IN ('epoch', 'dow', 'doy', 'dayofweek', 'dayofyear', 'weekday', 'timezone') THEN lower($1)
    END;
END $$;

CREATE FUNCTION rs.datediff(unit text, a timestamp, b timestamp) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    u text := rs.unit(unit);
    months_a bigint;
    months_b bigint;
    micros_a bigint := (extract(epoch FROM a) * 1000000)::bigint;
    micros_b bigint := (extract(epoch FROM b) * 1000000)::bigint;
    step bigint;
BEGIN
    IF u IN ('millennium', 'century', 'decade', 'year', 'quarter', 'month') THEN
        months_a := extract(year FROM a)::bigint * 12 + extract(month FROM a)::bigint - 1;
        months_b := extract(year FROM b)::bigint * 12 + extract(month FROM b)::bigint - 1;
        -- Centuries and millennia begin with the year 1, decades with the year 0.
        IF u IN ('century', 'millennium') THEN
            months_a := months_a - 12;
            months_b := months_b - 12;
        END IF;
        step := CASE u WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 WHEN 'year' THEN 12 WHEN 'decade' THEN 120
            WHEN 'century' THEN 1200 ELSE 12000 END;
        RETURN floor(months_b::numeric / step)::bigint - floor(months_a::numeric / step)::bigint;
    END IF;
    IF u = 'week' THEN
        -- Weeks begin on Sunday: the Sunday before 1970-01-01 is day -4.
        RETURN floor((floor(micros_b::numeric / 86400000000) + 4) / 7)::bigint
             - floor((floor(micros_a::numeric / 86400000000) + 4) / 7)::bigint;
    END IF;
    step := CASE u WHEN 'day' THEN 86400000000 WHEN 'hour' THEN 3600000000 WHEN 'minute' THEN 60000000
        WHEN 'second' THEN 1000000 WHEN 'millisecond' THEN 1000 WHEN 'microsecond' THEN 1 END;
    IF step IS NULL THEN
        RAISE EXCEPTION 'timestamp units "%" not supported', unit USING ERRCODE = '0A000';
    END IF;
    RETURN floor(micros_b::numeric / step)::bigint - floor(micros_a::numeric / step)::bigint;
END $$;
CREATE FUNCTION rs.datediff(unit text, a timestamptz, b timestamptz) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.datediff($1, $2 AT TIME ZONE 'UTC', $3 AT TIME ZONE 'UTC') $$;
CREATE FUNCTION rs.datediff(unit text, a date, b date) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.datediff($1, $2::timestamp, $3::timestamp) $$;

CREATE FUNCTION rs.dateadd(unit text, n bigint, t timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    u text := rs.unit(unit);
BEGIN
    IF u IS NULL OR u IN ('epoch', 'dow', 'doy', 'dayofweek', 'dayofyear', 'weekday', 'timezone') THEN
        RAISE EXCEPTION 'timestamp units "%" not supported', unit USING ERRCODE = '0A000';
    END IF;
    RETURN t + CASE u
        WHEN 'quarter' THEN make_interval(months => (3 * n)::integer)
        WHEN 'month' THEN make_interval(months => n::integer)
        WHEN 'year' THEN make_interval(years => n::integer)
        WHEN 'decade' THEN make_interval(years => (10 * n)::integer)
        WHEN 'century' THEN make_interval(years => (100 * n)::integer)
        WHEN 'millennium' THEN make_interval(years => (1000 * n)::integer)
        WHEN 'week' THEN make_interval(weeks => n::integer)
        WHEN 'day' THEN make_interval(days => n::integer)
        ELSE n * ('1 ' || u)::interval END;
END $$;
CREATE FUNCTION rs.dateadd(unit text, n bigint, t date) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.dateadd($1, $2, $3::timestamp) $$;
CREATE FUNCTION rs.dateadd(unit text, n bigint, t timestamptz) RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.dateadd($1, $2, $3 AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' $$;

CREATE FUNCTION rs.date_trunc(unit text, t timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_trunc($1, $2) $$;
CREATE FUNCTION rs.date_trunc(unit text, t date) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_trunc($1, $2::timestamp) $$;
CREATE FUNCTION rs.date_trunc(unit text, t timestamptz) RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_trunc($1, $2) $$;

CREATE FUNCTION rs.part_name(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE rs.unit($1) WHEN 'dayofweek' THEN 'dow' WHEN 'weekday' THEN 'dow' WHEN 'dayofyear' THEN 'doy' ELSE coalesce(rs.unit($1), $1) END $$;
CREATE FUNCTION rs.extract(unit text, t timestamp) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc(date_part(rs.part_name($1), $2))::integer $$;
CREATE FUNCTION rs.extract(unit text, t date) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc(date_part(rs.part_name($1), $2::timestamp))::integer $$;
CREATE FUNCTION rs.extract(unit text, t time) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc(date_part(rs.part_name($1), $2))::integer $$;
CREATE FUNCTION rs.extract(unit text, t timestamptz) RETURNS double precision LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT date_part(rs.part_name($1), $2) $$;
CREATE FUNCTION rs.extract(unit text, t interval) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc(date_part(rs.part_name($1), $2))::integer $$;
CREATE FUNCTION rs.date_part(unit text, t timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_part(rs.part_name($1), $2) $$;
CREATE FUNCTION rs.date_part(unit text, t timestamptz) RETURNS double precision LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_part(rs.part_name($1), $2) $$;
CREATE FUNCTION rs.date_part(unit text, t date) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_part(rs.part_name($1), $2::timestamp) $$;

CREATE FUNCTION pg_catalog.trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::date $$;
CREATE FUNCTION pg_catalog.last_day(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (pg_catalog.date_trunc('month', $1) + interval '1 month' - interval '1 day')::date $$;
CREATE FUNCTION pg_catalog.last_day(date) RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.last_day($1::timestamp) $$;
CREATE FUNCTION pg_catalog.add_months(timestamp, integer) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN $1::date = pg_catalog.last_day($1)
        THEN pg_catalog.last_day($1 + make_interval(months => $2)) + $1::time ELSE $1 + make_interval(months => $2) END $$;
CREATE FUNCTION pg_catalog.add_months(date, integer) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.add_months($1::timestamp, $2) $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, timestamp) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT ($2 AT TIME ZONE 'UTC') AT TIME ZONE $1 $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, text, timestamp) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT ($3 AT TIME ZONE $1) AT TIME ZONE $2 $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, timestamptz) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT $2 AT TIME ZONE $1 $$;

CREATE FUNCTION rs.regexp_substr(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT coalesce(pg_catalog.regexp_substr($1, $2), '') $$;
CREATE FUNCTION rs.regexp_substr(text, text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT coalesce(pg_catalog.regexp_substr($1, $2, $3), '') $$;
CREATE FUNCTION rs.regexp_substr(text, text, integer, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT coalesce(pg_catalog.regexp_substr($1, $2, $3, $4), '') $$;

-- AVG of integers is an integer in Redshift.
CREATE FUNCTION rs.add_integer(numeric[], bigint) RETURNS numeric[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT ARRAY[$1[1] + 1, $1[2] + $2] $$;
CREATE FUNCTION rs.integer_mean(numeric[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT trunc($1[2] / nullif($1[1], 0))::bigint $$;
CREATE FUNCTION rs.small_mean(bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1[2] / nullif($1[1], 0) $$;
CREATE AGGREGATE rs.avg(bigint) (SFUNC = rs.add_integer, STYPE = numeric[], INITCOND = '{0,0}', FINALFUNC = rs.integer_mean);
CREATE AGGREGATE rs.avg(integer) (SFUNC = int4_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = rs.small_mean);
CREATE AGGREGATE rs.avg(smallint) (SFUNC = int2_avg_accum, STYPE = bigint[], INITCOND = '{0,0}', FINALFUNC = rs.small_mean);
CREATE AGGREGATE rs.avg(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg);
CREATE AGGREGATE rs.avg(double precision) (SFUNC = float8_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg);
CREATE AGGREGATE rs.avg(real) (SFUNC = float4_accum, STYPE = double precision[], INITCOND = '{0,0,0}', FINALFUNC = float8_avg);

CREATE FUNCTION pg_catalog.is_valid_json(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 IS JSON OBJECT $$;
CREATE FUNCTION pg_catalog.is_valid_json_array(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 IS JSON ARRAY $$;
CREATE FUNCTION pg_catalog.can_json_parse(text) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 IS JSON $$;
CREATE FUNCTION pg_catalog.json_parse(text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::jsonb $$;
CREATE FUNCTION rs.super_text(jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE jsonb_typeof($1)
        WHEN 'object' THEN '{' || coalesce((SELECT string_agg(to_json(key)::text || ':' || rs.super_text(value), ',') FROM jsonb_each($1)), '') || '}'
        WHEN 'array' THEN '[' || coalesce((SELECT string_agg(rs.super_text(value), ',' ORDER BY n) FROM jsonb_array_elements($1) WITH ORDINALITY AS e (value, n)), '') || ']'
        ELSE $1::text END;
END $$;
CREATE FUNCTION rs.json_serialize(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.super_text($1) $$;
CREATE FUNCTION rs.json_extract_path_text(document text, VARIADIC path text[]) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(nullif(document, '')::json #>> path, '') $$;

CREATE FUNCTION rs.fnv(bytea, bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    total numeric := CASE WHEN $2 < 0 THEN $2 + 18446744073709551616 ELSE $2 END;
    low bigint;
BEGIN
    FOR i IN 0..length($1) - 1 LOOP
        low := mod(total, 256)::bigint;
        total := mod((total - low + (low # get_byte($1, i))) * 1099511628211, 18446744073709551616);
    END LOOP;
    RETURN CASE WHEN total >= 9223372036854775808 THEN total - 18446744073709551616 ELSE total END;
END $$;
CREATE FUNCTION pg_catalog.fnv_hash(text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(convert_to($1, 'UTF8'), -3750763034362895579) $$;

CREATE FUNCTION pg_catalog.fnv_hash(integer) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(reverse(int4send($1)), -3750763034362895579) $$;
CREATE FUNCTION pg_catalog.fnv_hash(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(reverse(int8send($1)), -3750763034362895579) $$;

CREATE FUNCTION rs.json_array_length(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT json_array_length($1::json) $$;
CREATE FUNCTION pg_catalog.json_extract_array_element_text(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce($1::json ->> $2, '') $$;

CREATE FUNCTION rs.middle(numeric[]) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT trim_scale(pg_catalog.avg(v)) FROM (SELECT v, row_number() OVER (ORDER BY v) AS i, count(*) OVER () AS n FROM unnest($1) AS u (v) WHERE v IS NOT NULL) AS s
    WHERE i IN ((n + 1) / 2, n / 2 + 1) $$;
CREATE FUNCTION rs.middle(double precision[]) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY v) FROM unnest($1) AS u (v) $$;
CREATE AGGREGATE rs.median(numeric) (SFUNC = array_append, STYPE = numeric[], INITCOND = '{}', FINALFUNC = rs.middle);
CREATE AGGREGATE rs.median(double precision) (SFUNC = array_append, STYPE = double precision[], INITCOND = '{}', FINALFUNC = rs.middle);
