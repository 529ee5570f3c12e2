-- Where Redshift's types behave otherwise than PostgreSQL's of the same name: the catalogue itself is changed, so that it holds in
-- every expression, index, sort and join. Needs allow_system_table_mods.

-- Trailing blanks do not count when text is compared, of VARCHAR as of CHAR. PostgreSQL's functions for `character` do that.
UPDATE pg_operator o SET oprcode = m.code::regproc
FROM (VALUES ('=', 'bpchareq'), ('<>', 'bpcharne'), ('<', 'bpcharlt'), ('<=', 'bpcharle'), ('>', 'bpchargt'), ('>=', 'bpcharge')) AS m (name, code)
WHERE o.oprname = m.name AND o.oprleft = 'text'::regtype AND o.oprright = 'text'::regtype;
UPDATE pg_amproc p SET amproc = m.code::regproc
FROM (VALUES ('bttextcmp', 'bpcharcmp'), ('bttextsortsupport', 'bpchar_sortsupport'), ('hashtext', 'hashbpchar'),
    ('hashtextextended', 'hashbpcharextended')) AS m (own, code)
WHERE p.amproc = m.own::regproc AND p.amproclefttype = 'text'::regtype AND p.amprocrighttype = 'text'::regtype
    AND p.amprocfamily IN (SELECT oid FROM pg_opfamily WHERE opfname = 'text_ops');
-- Equal text need not be the same bytes any more, so an index may not keep one for all.
DELETE FROM pg_amproc WHERE amproc = 'btvarstrequalimage'::regproc AND amproclefttype = 'text'::regtype
    AND amprocfamily IN (SELECT oid FROM pg_opfamily WHERE opfname = 'text_ops');

-- A cast to VARCHAR(n) cuts by bytes, and never within a character.
CREATE FUNCTION rs.cut(value varchar, bytes integer, explicit boolean) RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    raw bytea := convert_to(value, 'UTF8');
    kept integer := bytes;
BEGIN
    IF NOT explicit AND octet_length(rtrim(value)) > bytes THEN
        RAISE EXCEPTION 'value too long for type character varying(%)', bytes USING ERRCODE = '22001';
    END IF;
    WHILE kept > 0 AND get_byte(raw, kept) & 192 = 128 LOOP
        kept := kept - 1;
    END LOOP;
    RETURN convert_from(substr(raw, 1, kept), 'UTF8');
END $$;
CREATE FUNCTION rs.varchar_length(value varchar, modifier integer, explicit boolean) RETURNS varchar LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 < 5 OR octet_length($1) <= $2 - 4 THEN $1 ELSE rs.cut($1, $2 - 4, $3) END $$;
UPDATE pg_cast SET castfunc = 'rs.varchar_length(varchar, integer, boolean)'::regprocedure
WHERE castsource = 'varchar'::regtype AND casttarget = 'varchar'::regtype;

-- CHAR(n) holds single-byte characters only. Explicit casts are not looked at: the system views' own columns hold what they like.
CREATE FUNCTION rs.not_single_byte(value text) RETURNS bpchar LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    line text := '  ' || repeat('-', 47);
    bytes text := rtrim(regexp_replace(encode(convert_to(substring(value FROM '[^\x01-\x7f]'), 'UTF8'), 'hex'), '(..)', '\\1 ', 'g'));
BEGIN
    RAISE EXCEPTION 'Invalid characters:' USING ERRCODE = 'XX000', DETAIL = concat_ws(chr(10), '', line, '  error:  Invalid characters:', '  code:      8001',
        '  context:   Only ASCII characters are allowed in fixed length strings. Invalid ASCII char: ' || bytes,
        '  query:     0', line);
END $$;
CREATE FUNCTION rs.char_length(value bpchar, modifier integer, explicit boolean) RETURNS bpchar LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $3 OR $1 IS NULL OR octet_length($1::text) = char_length($1::text) THEN bpchar($1, $2, $3) ELSE rs.not_single_byte($1::text) END $$;
UPDATE pg_cast SET castfunc = 'rs.char_length(bpchar, integer, boolean)'::regprocedure
WHERE castsource = 'bpchar'::regtype AND casttarget = 'bpchar'::regtype;

-- An explicit cast of a decimal to a smaller scale cuts, of a float or of text it rounds, and so do INSERT and UPDATE.
CREATE FUNCTION rs.numeric_length(value numeric, modifier integer, explicit boolean) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog."numeric"(trunc($1, CASE WHEN $3 THEN ((($2 - 4) & 2047) # 1024) - 1024 ELSE 1000 END), $2) $$;
UPDATE pg_cast SET castfunc = 'rs.numeric_length(numeric, integer, boolean)'::regprocedure
WHERE castsource = 'numeric'::regtype AND casttarget = 'numeric'::regtype;
DO $casts$ DECLARE source text; BEGIN
    FOREACH source IN ARRAY ARRAY['float4', 'float8'] LOOP
        EXECUTE format('CREATE FUNCTION rs.float_decimal(%s, integer, boolean) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS %L', source,
            'SELECT CASE WHEN $2 < 4 THEN pg_catalog."numeric"($1) ELSE pg_catalog."numeric"(pg_catalog."numeric"($1), $2) END');
        EXECUTE format('UPDATE pg_cast SET castfunc = ''rs.float_decimal(%s, integer, boolean)''::regprocedure WHERE castsource = %L::regtype AND casttarget = ''numeric''::regtype',
            source, source);
    END LOOP;
    FOREACH source IN ARRAY ARRAY['text', 'varchar', 'bpchar'] LOOP
        EXECUTE format('CREATE FUNCTION rs.text_decimal(%s, integer, boolean) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS %L', source,
            format('SELECT numeric_in(%s($1), 0::oid, $2)', CASE source WHEN 'text' THEN 'textout' ELSE source || 'out' END));
        EXECUTE format('CREATE CAST (%s AS numeric) WITH FUNCTION rs.text_decimal(%s, integer, boolean)', source, source);
    END LOOP;
END $casts$;

-- A SUPER value cast to another type: a scalar of the right kind, or null. In PL/pgSQL where a cast follows its test: the planner
-- evaluates a constant's cast before the test.
CREATE FUNCTION rs.super_scalar(jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof($1) IN ('string', 'number', 'boolean') THEN $1 #>> '{}' END $$;
CREATE FUNCTION rs.super_varchar(jsonb) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT rs.super_scalar($1)::varchar';
CREATE FUNCTION rs.super_char(jsonb) RETURNS bpchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT rs.super_scalar($1)::bpchar';
CREATE FUNCTION rs.super_numeric(jsonb) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN CASE WHEN pg_input_is_valid(rs.super_scalar($1), 'numeric') THEN rs.super_scalar($1)::numeric END;
END $$;
CREATE FUNCTION rs.super_bool(jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF jsonb_typeof($1) = 'number' THEN
        RETURN CASE WHEN scale(($1 #>> '{}')::numeric) = 0 THEN ($1 #>> '{}')::numeric <> 0 END;
    END IF;
    RETURN CASE WHEN pg_input_is_valid(rs.super_scalar($1), 'boolean') THEN rs.super_scalar($1)::boolean END;
END $$;
DO $casts$ DECLARE target text; BEGIN
    CREATE CAST (jsonb AS text) WITH FUNCTION rs.super_scalar(jsonb);
    CREATE CAST (jsonb AS varchar) WITH FUNCTION rs.super_varchar(jsonb);
    CREATE CAST (jsonb AS bpchar) WITH FUNCTION rs.super_char(jsonb);
    FOREACH target IN ARRAY ARRAY['date', 'time', 'timestamp', 'timestamptz', 'timetz'] LOOP
        EXECUTE format('CREATE FUNCTION rs.super_%s(jsonb) RETURNS %s LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS %L', target, target, format(
            'BEGIN RETURN CASE WHEN jsonb_typeof($1) = ''string'' AND pg_input_is_valid($1 #>> ''{}'', ''%s'') THEN ($1 #>> ''{}'')::%s END; END',
            target, target));
        EXECUTE format('CREATE CAST (jsonb AS %s) WITH FUNCTION rs.super_%s(jsonb)', target, target);
    END LOOP;
    FOREACH target IN ARRAY ARRAY['int2', 'int4', 'int8', 'float4', 'float8'] LOOP
        EXECUTE format('CREATE FUNCTION rs.super_%s(jsonb) RETURNS %s LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS %L', target, target, format(
            'DECLARE n numeric := %s; BEGIN RETURN CASE WHEN pg_input_is_valid(n::text, ''%s'') THEN n::%s END; END',
            CASE WHEN target ~ 'int' THEN 'round(rs.super_numeric($1))' ELSE 'rs.super_numeric($1)' END, target, target));
    END LOOP;
    FOREACH target IN ARRAY ARRAY['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'bool'] LOOP
        EXECUTE format('UPDATE pg_cast SET castfunc = ''rs.super_%s(jsonb)''::regprocedure WHERE castsource = ''jsonb''::regtype AND casttarget = %L::regtype',
            target, target);
    END LOOP;
END $casts$;

-- A value put into SUPER: text becomes a string, it is not read as JSON. Dates and times cannot become SUPER.
DO $casts$ DECLARE source text; BEGIN
    FOREACH source IN ARRAY ARRAY['text', 'varchar', 'bpchar', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8', 'bool'] LOOP
        EXECUTE format('CREATE FUNCTION rs.super_of(%s) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS %L', source,
            CASE source WHEN 'bpchar' THEN 'SELECT to_jsonb($1::text)' ELSE 'SELECT to_jsonb($1)' END);
        EXECUTE format('CREATE CAST (%s AS jsonb) WITH FUNCTION rs.super_of(%s) AS ASSIGNMENT', source, source);
    END LOOP;
END $casts$;
