-- VARBYTE is PostgreSQL's bytea with a length. Literals are bytes as they stand, which is UTF-8, as in Redshift; the front shows values
-- as hexadecimal digits without a prefix. Needs allow_system_table_mods.
UPDATE pg_type SET typmodin = 'varbittypmodin'::regproc, typmodout = 'varbittypmodout'::regproc WHERE oid = 'bytea'::regtype;

CREATE FUNCTION rs.varbyte_length(value bytea, bytes integer, explicit boolean) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF bytes > 0 AND octet_length(value) > bytes THEN
        RAISE EXCEPTION 'value too long for type binary varying(%)', bytes USING ERRCODE = '22001';
    END IF;
    RETURN value;
END $$;
CREATE CAST (bytea AS bytea) WITH FUNCTION rs.varbyte_length(bytea, integer, boolean) AS IMPLICIT;

-- Of CHAR the blanks up to its length count. Numbers keep their two, four or eight bytes: that PostgreSQL has.
CREATE FUNCTION rs.varbyte_of(text) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_to($1, 'UTF8') $$;
CREATE FUNCTION rs.varbyte_of(varchar) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_to($1, 'UTF8') $$;
CREATE FUNCTION rs.varbyte_of(character) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_to(concat($1), 'UTF8') $$;
CREATE FUNCTION rs.varbyte_text(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_from($1, 'UTF8') $$;
CREATE FUNCTION rs.varbyte_varchar(bytea) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_from($1, 'UTF8')::varchar $$;
CREATE FUNCTION rs.varbyte_char(bytea) RETURNS bpchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT convert_from($1, 'UTF8')::bpchar $$;
CREATE CAST (text AS bytea) WITH FUNCTION rs.varbyte_of(text) AS ASSIGNMENT;
CREATE CAST (varchar AS bytea) WITH FUNCTION rs.varbyte_of(varchar) AS ASSIGNMENT;
CREATE CAST (character AS bytea) WITH FUNCTION rs.varbyte_of(character) AS ASSIGNMENT;
CREATE CAST (bytea AS text) WITH FUNCTION rs.varbyte_text(bytea);
CREATE CAST (bytea AS varchar) WITH FUNCTION rs.varbyte_varchar(bytea);
CREATE CAST (bytea AS character) WITH FUNCTION rs.varbyte_char(bytea);

CREATE FUNCTION rs.varbyte_from_bits(digits text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits text := lpad(digits, (length(digits) + 7) / 8 * 8, '0');
    made bytea := decode(repeat('00', length(bits) / 8), 'hex');
BEGIN
    IF digits !~ '^[01]*$' THEN
        RAISE EXCEPTION 'Invalid binary digit in ''%''', digits USING ERRCODE = '22023';
    END IF;
    FOR n IN 0 .. length(bits) / 8 - 1 LOOP
        made := set_byte(made, n, substr(bits, n * 8 + 1, 8)::bit(8)::integer);
    END LOOP;
    RETURN made;
END $$;
CREATE FUNCTION rs.varbyte_bits(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(get_byte($1, n)::bit(8)::text, '' ORDER BY n), '') FROM generate_series(0, octet_length($1) - 1) AS n $$;

-- An odd number of hexadecimal digits has a nought before it.
CREATE FUNCTION pg_catalog.from_hex(text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF $1 !~ '^[0-9A-Fa-f]*$' THEN
        RAISE EXCEPTION 'Invalid hexadecimal digit in ''%''', $1 USING ERRCODE = '22023';
    END IF;
    RETURN decode(CASE WHEN length($1) % 2 = 1 THEN '0' ELSE '' END || $1, 'hex');
END $$;
CREATE FUNCTION pg_catalog.to_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT encode($1, 'hex') $$;
CREATE FUNCTION pg_catalog.to_varbyte(text, text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    CASE lower($2)
        WHEN 'hex' THEN RETURN from_hex($1);
        WHEN 'binary' THEN RETURN rs.varbyte_from_bits($1);
        WHEN 'utf8', 'utf-8', 'utf_8' THEN RETURN convert_to($1, 'UTF8');
        WHEN 'base64' THEN RETURN decode($1, 'base64');
        ELSE RAISE EXCEPTION 'Invalid format ''%'': hex, binary, utf8 and base64 are known', $2 USING ERRCODE = '22023';
    END CASE;
END $$;
CREATE FUNCTION pg_catalog.from_varbyte(bytea, text) RETURNS varchar LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    CASE lower($2)
        WHEN 'hex' THEN RETURN encode($1, 'hex');
        WHEN 'binary' THEN RETURN rs.varbyte_bits($1);
        WHEN 'utf8', 'utf-8', 'utf_8' THEN RETURN convert_from($1, 'UTF8');
        WHEN 'base64' THEN RETURN replace(encode($1, 'base64'), E'\n', '');
        ELSE RAISE EXCEPTION 'Invalid format ''%'': hex, binary, utf8 and base64 are known', $2 USING ERRCODE = '22023';
    END CASE;
END $$;
-- Bit 0 is the last one, of the lowest value.
CREATE FUNCTION pg_catalog.getbit(bytea, integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT get_bit($1, ((octet_length($1) - 1 - $2 / 8) * 8 + $2 % 8)::bigint) $$;
CREATE FUNCTION pg_catalog.len(bytea) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT octet_length($1) $$;
CREATE FUNCTION rs.octet_length(bytea) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT octet_length($1) $$;
CREATE FUNCTION rs.concat(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 || $2 $$;
CREATE OPERATOR pg_catalog.+ (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = byteacat);

CREATE FUNCTION rs.varbyte_bitwise(bytea, bytea, text) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    made bytea := $1;
    a integer;
    b integer;
BEGIN
    IF octet_length($1) <> octet_length($2) THEN
        RAISE EXCEPTION 'bitwise operators on VARBYTE of different lengths are not supported by localshift' USING ERRCODE = '0A000';
    END IF;
    FOR n IN 0 .. octet_length($1) - 1 LOOP
        a := get_byte($1, n);
        b := get_byte($2, n);
        made := set_byte(made, n, CASE $3 WHEN '&' THEN a & b WHEN '|' THEN a | b ELSE a # b END);
    END LOOP;
    RETURN made;
END $$;
CREATE FUNCTION rs.varbyte_and(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.varbyte_bitwise($1, $2, '&') $$;
CREATE FUNCTION rs.varbyte_or(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.varbyte_bitwise($1, $2, '|') $$;
CREATE FUNCTION rs.varbyte_xor(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.varbyte_bitwise($1, $2, '#') $$;
CREATE FUNCTION rs.varbyte_not(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.varbyte_bitwise($1, decode(repeat('ff', octet_length($1)), 'hex'), '#') $$;
CREATE OPERATOR pg_catalog.& (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = rs.varbyte_and);
CREATE OPERATOR pg_catalog.| (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = rs.varbyte_or);
CREATE OPERATOR pg_catalog.# (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = rs.varbyte_xor);
CREATE OPERATOR pg_catalog.~ (RIGHTARG = bytea, FUNCTION = rs.varbyte_not);

CREATE FUNCTION pg_catalog.json_serialize_to_varbyte(jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT convert_to(rs.super_text($1), 'UTF8') $$;
