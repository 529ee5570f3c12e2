-- Redshift's functions of dates and times. A function is named as Redshift names its column: DATEADD makes `date_add`.
-- Whole seconds, as AWS's page shows them; SYSDATE has their parts.
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC') $$;
CREATE FUNCTION rs."timestamp"() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT transaction_timestamp() AT TIME ZONE 'UTC' $$;
CREATE FUNCTION rs."date"() RETURNS date LANGUAGE sql STABLE AS $$ SELECT current_date $$;

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
        WHEN lower($1) IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs', 'usecond', 'useconds', 'microsec', 'microsecs') THEN 'microsecond'
        WHEN lower($1) IN ('dow', 'dayofweek', 'dw', 'weekday') THEN 'dow'
        WHEN lower($1) IN ('doy', 'dayofyear', 'dy', 'yearday') THEN 'doy'
        WHEN lower($1) IN ('epoch', 'timezone', 'timezone_hour', 'timezone_minute') THEN lower($1)
    END;
END $$;

-- The unit of a sum or a difference: of these none counts within another.
CREATE FUNCTION rs.span(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    u text := rs.unit($1);
BEGIN
    IF u IS NULL OR u IN ('dow', 'doy', 'epoch', 'timezone', 'timezone_hour', 'timezone_minute') THEN
        RAISE EXCEPTION 'timestamp units "%" not supported', $1 USING ERRCODE = '0A000';
    END IF;
    RETURN u;
END $$;

-- The unit is read once for a query: with a constant the planner calls rs.span, and takes what is left of the call into the query.
CREATE FUNCTION rs.difference(u text, a timestamp, b timestamp) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    months_a bigint;
    months_b bigint;
    micros_a bigint;
    micros_b bigint;
    step bigint;
BEGIN
    IF u = 'day' THEN
        RETURN b::date - a::date;
    END IF;
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
        RETURN floor((b::date - date '1970-01-01' + 4) / 7.0)::bigint - floor((a::date - date '1970-01-01' + 4) / 7.0)::bigint;
    END IF;
    micros_a := (extract(epoch FROM a) * 1000000)::bigint;
    micros_b := (extract(epoch FROM b) * 1000000)::bigint;
    step := CASE u WHEN 'hour' THEN 3600000000 WHEN 'minute' THEN 60000000
        WHEN 'second' THEN 1000000 WHEN 'millisecond' THEN 1000 WHEN 'microsecond' THEN 1 END;
    RETURN floor(micros_b::numeric / step)::bigint - floor(micros_a::numeric / step)::bigint;
END $$;
CREATE FUNCTION rs.date_diff(unit text, a timestamp, b timestamp) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.difference(rs.span($1), $2, $3) $$;
CREATE FUNCTION rs.date_diff(unit text, a timestamptz, b timestamptz) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_diff($1, $2 AT TIME ZONE 'UTC', $3 AT TIME ZONE 'UTC') $$;
CREATE FUNCTION rs.date_diff(unit text, a date, b date) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_diff($1, $2::timestamp, $3::timestamp) $$;
CREATE FUNCTION rs.date_diff(unit text, a time, b time) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_diff($1, date '1970-01-01' + $2, date '1970-01-01' + $3) $$;
CREATE FUNCTION rs.date_diff(unit text, a timetz, b timetz) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_diff($1, ($2 AT TIME ZONE 'UTC')::time, ($3 AT TIME ZONE 'UTC')::time) $$;

CREATE FUNCTION rs.moved(u text, n bigint, t timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    years integer := n * CASE u WHEN 'year' THEN 1 WHEN 'decade' THEN 10 WHEN 'century' THEN 100 WHEN 'millennium' THEN 1000 END;
    later timestamp;
BEGIN
    IF years IS NOT NULL THEN
        later := t + make_interval(years => years);
        -- Years added to a 29th of February lead to the 1st of March, months to the 28th.
        RETURN CASE WHEN extract(day FROM later) < extract(day FROM t) THEN later + interval '1 day' ELSE later END;
    END IF;
    RETURN t + CASE u
        WHEN 'quarter' THEN make_interval(months => (3 * n)::integer)
        WHEN 'month' THEN make_interval(months => n::integer)
        WHEN 'week' THEN make_interval(weeks => n::integer)
        WHEN 'day' THEN make_interval(days => n::integer)
        ELSE n * ('1 ' || u)::interval END;
END $$;
CREATE FUNCTION rs.date_add(unit text, n bigint, t timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.moved(rs.span($1), $2, $3) $$;
CREATE FUNCTION rs.date_add(unit text, n bigint, t date) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_add($1, $2, $3::timestamp) $$;
CREATE FUNCTION rs.date_add(unit text, n bigint, t timestamptz) RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_add($1, $2, $3 AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' $$;
CREATE FUNCTION rs.date_add(unit text, n bigint, t time) RETURNS time LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.date_add($1, $2, date '1970-01-01' + $3)::time $$;
CREATE FUNCTION rs.date_add(unit text, n bigint, t timetz) RETURNS timetz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT (rs.date_add($1, $2, ($3 AT TIME ZONE 'UTC')::time)::text || '+00')::timetz $$;

CREATE FUNCTION rs.date_trunc(unit text, t timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_trunc(rs.span($1), $2) $$;
CREATE FUNCTION rs.date_trunc(unit text, t date) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_trunc(rs.span($1), $2::timestamp) $$;
CREATE FUNCTION rs.date_trunc(unit text, t timestamptz) RETURNS timestamptz LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.date_trunc(rs.span($1), $2) $$;

-- EXTRACT leaves higher and lower parts out: of 43.101 seconds there are 101 milliseconds. The year 1 is in the first decade.
CREATE FUNCTION rs.part(unit text, whole double precision) RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE $1 WHEN 'millisecond' THEN mod(trunc($2)::bigint, 1000) WHEN 'microsecond' THEN mod(trunc($2)::bigint, 1000000)
        WHEN 'decade' THEN $2 + 1 ELSE $2 END $$;
CREATE FUNCTION rs.date_part(unit text, t timestamp) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT trunc(rs.part(rs.unit($1), pg_catalog.date_part(coalesce(rs.unit($1), $1), $2)))::integer $$;
CREATE FUNCTION rs.date_part(unit text, t date) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT rs.date_part($1, $2::timestamp) $$;
CREATE FUNCTION rs.date_part(unit text, t time) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT trunc(rs.part(rs.unit($1), pg_catalog.date_part(coalesce(rs.unit($1), $1), $2)))::integer $$;
CREATE FUNCTION rs.date_part(unit text, t timetz) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT trunc(rs.part(rs.unit($1), pg_catalog.date_part(coalesce(rs.unit($1), $1), $2)))::integer $$;
CREATE FUNCTION rs.date_part(unit text, t timestamptz) RETURNS double precision LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT rs.part(rs.unit($1), pg_catalog.date_part(coalesce(rs.unit($1), $1), $2)) $$;
CREATE FUNCTION rs.date_part(unit text, t interval) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT trunc(rs.part(rs.unit($1), pg_catalog.date_part(coalesce(rs.unit($1), $1), $2)))::integer $$;

-- What DATE_PART makes of parts of a second is told in two ways by Redshift's documentation.
CREATE FUNCTION rs.pgdate_part(unit text, t timestamp) RETURNS double precision LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    u text := coalesce(rs.unit(unit), unit);
BEGIN
    IF u IN ('millisecond', 'microsecond') THEN
        RAISE EXCEPTION 'DATE_PART of %s is not supported by localshift: take EXTRACT', u USING ERRCODE = '0A000';
    END IF;
    RETURN rs.part(u, pg_catalog.date_part(u, t));
END $$;
CREATE FUNCTION rs.pgdate_part(unit text, t date) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.pgdate_part($1, $2::timestamp) $$;
CREATE FUNCTION rs.pgdate_part(unit text, t time) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.pgdate_part($1, date '1970-01-01' + $2) $$;
CREATE FUNCTION rs.pgdate_part(unit text, t timestamptz) RETURNS double precision LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN rs.unit($1) IN ('epoch', 'timezone', 'timezone_hour', 'timezone_minute') THEN pg_catalog.date_part(rs.unit($1), $2)
        ELSE rs.pgdate_part($1, $2::timestamp) END $$;
CREATE FUNCTION pg_catalog.date_part_year(date) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT extract(year FROM $1)::integer $$;

CREATE FUNCTION pg_catalog.trunc(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::date $$;
CREATE FUNCTION pg_catalog.last_day(timestamp) RETURNS date LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (pg_catalog.date_trunc('month', $1) + interval '1 month' - interval '1 day')::date $$;
CREATE FUNCTION pg_catalog.add_months(timestamp, integer) RETURNS timestamp LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN $1::date = pg_catalog.last_day($1)
        THEN pg_catalog.last_day($1 + make_interval(months => $2)) + $1::time ELSE $1 + make_interval(months => $2) END $$;
-- Whole months when the days agree or both are the last of their months, else a month has 31 days.
CREATE FUNCTION pg_catalog.months_between(a timestamp, b timestamp) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (extract(year FROM $1) - extract(year FROM $2)) * 12 + extract(month FROM $1) - extract(month FROM $2)
        + CASE WHEN extract(day FROM $1) = extract(day FROM $2) OR ($1::date = last_day($1) AND $2::date = last_day($2)) THEN 0
            ELSE (extract(day FROM $1) - extract(day FROM $2) + (extract(epoch FROM $1::time) - extract(epoch FROM $2::time)) / 86400) / 31 END $$;
CREATE FUNCTION pg_catalog.next_day(timestamp, text) RETURNS date LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    wanted integer := CASE
        WHEN lower($2) IN ('su', 'sun', 'sunday') THEN 0 WHEN lower($2) IN ('m', 'mo', 'mon', 'monday') THEN 1
        WHEN lower($2) IN ('tu', 'tue', 'tues', 'tuesday') THEN 2 WHEN lower($2) IN ('w', 'we', 'wed', 'wednesday') THEN 3
        WHEN lower($2) IN ('th', 'thu', 'thurs', 'thursday') THEN 4 WHEN lower($2) IN ('f', 'fr', 'fri', 'friday') THEN 5
        WHEN lower($2) IN ('sa', 'sat', 'saturday') THEN 6 END;
BEGIN
    IF wanted IS NULL THEN
        RAISE EXCEPTION '"%" is no day of the week', $2 USING ERRCODE = '22023';
    END IF;
    RETURN $1::date + 1 + mod(wanted - extract(dow FROM $1)::integer + 6, 7);
END $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, timestamp) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT ($2 AT TIME ZONE 'UTC') AT TIME ZONE $1 $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, text, timestamp) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT ($3 AT TIME ZONE $1) AT TIME ZONE $2 $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, timestamptz) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT $2 AT TIME ZONE $1 $$;

-- Without is_strict a day or an hour beyond its range goes on into the next month or day.
CREATE FUNCTION rs.overflowing(value text, format text) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    names text[] := ARRAY(SELECT m[1] FROM regexp_matches(upper($2), 'YYYY|MM|DD|HH24|MI|SS', 'g') AS m);
    pattern text := regexp_replace(regexp_replace(upper($2), 'YYYY', '(\\d{4})', 'g'), 'MM|DD|HH24|MI|SS', '(\\d{1,2})', 'g');
    found text[] := regexp_match($1, '^\\s*' || pattern);
    field jsonb := (SELECT jsonb_object_agg(n, f::integer) FROM unnest(names, found) AS u (n, f));
BEGIN
    IF found IS NULL OR regexp_replace(upper($2), 'YYYY|MM|DD|HH24|MI|SS', '', 'g') ~ '[A-Z0-9]' OR (field ->> 'MM')::integer NOT BETWEEN 1 AND 12 THEN
        RAISE EXCEPTION 'date/time field value out of range: "%"', $1 USING ERRCODE = '22008';
    END IF;
    RETURN make_date(coalesce((field ->> 'YYYY')::integer, 1), coalesce((field ->> 'MM')::integer, 1), 1)::timestamp
        + make_interval(days => coalesce((field ->> 'DD')::integer, 1) - 1, hours => coalesce((field ->> 'HH24')::integer, 0),
            mins => coalesce((field ->> 'MI')::integer, 0), secs => coalesce((field ->> 'SS')::integer, 0));
END $$;
CREATE FUNCTION rs.to_date(text, text, strict boolean DEFAULT false) RETURNS date LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN pg_catalog.to_date($1, $2);
EXCEPTION WHEN datetime_field_overflow THEN
    IF strict THEN
        RAISE;
    END IF;
    RETURN rs.overflowing($1, $2)::date;
END $$;
CREATE FUNCTION rs.to_timestamp(text, text, strict boolean DEFAULT false) RETURNS timestamptz LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN pg_catalog.to_timestamp($1, $2);
EXCEPTION WHEN datetime_field_overflow THEN
    IF strict THEN
        RAISE;
    END IF;
    RETURN rs.overflowing($1, $2) AT TIME ZONE current_setting('TimeZone');
END $$;
CREATE FUNCTION rs.to_timestamp(timestamp, text) RETURNS timestamptz LANGUAGE sql STABLE STRICT AS $$ SELECT pg_catalog.to_timestamp(to_char($1, $2), $2) $$;

-- Text is taken as a timestamp.
CREATE FUNCTION rs.date_diff(unit text, a text, b text) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT rs.date_diff($1, $2::timestamp, $3::timestamp) $$;
CREATE FUNCTION rs.date_diff(unit text, a text, b timestamp) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT rs.date_diff($1, $2::timestamp, $3) $$;
CREATE FUNCTION rs.date_diff(unit text, a timestamp, b text) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT rs.date_diff($1, $2, $3::timestamp) $$;
CREATE FUNCTION rs.date_add(unit text, n bigint, t text) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT rs.date_add($1, $2, $3::timestamp) $$;
CREATE FUNCTION rs.date_trunc(unit text, t text) RETURNS timestamp LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT rs.date_trunc($1, $2::timestamp) $$;
CREATE FUNCTION rs.date_part(unit text, t text) RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT rs.date_part($1, $2::timestamp) $$;
CREATE FUNCTION rs.pgdate_part(unit text, t text) RETURNS double precision LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$ SELECT rs.pgdate_part($1, $2::timestamp) $$;
