-- Murmur3's 32-bit hash of x86 over the bytes that Apache Iceberg gives each type: numbers as eight bytes, the lowest first.
CREATE FUNCTION rs.times32(a bigint, b bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ((a & 65535) * b + ((((a >> 16) * b) & 65535) << 16)) & 4294967295 $$;
CREATE FUNCTION rs.murmur3(value bytea, seed integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    whole CONSTANT bigint := 4294967295;
    size integer := octet_length(value);
    h bigint := seed::bigint & whole;
    k bigint;
BEGIN
    -- AWS gives one seeded hash of more than three bytes as an example, and that is not Murmur3's.
    IF seed <> 0 AND size > 3 THEN
        RAISE EXCEPTION 'MURMUR3_32_HASH with a seed, of a value of more than three bytes, is not supported by localshift' USING ERRCODE = '0A000';
    END IF;
    FOR n IN 0 .. (size + 3) / 4 - 1 LOOP
        k := 0;
        FOR m IN REVERSE least(4, size - n * 4) - 1 .. 0 LOOP
            k := (k << 8) | get_byte(value, n * 4 + m);
        END LOOP;
        k := rs.times32(k, 3432918353);
        k := rs.times32(((k << 15) | (k >> 17)) & whole, 461845907);
        h := h # k;
        IF n * 4 + 4 <= size THEN
            h := (rs.times32(((h << 13) | (h >> 19)) & whole, 5) + 3864292196) & whole;
        END IF;
    END LOOP;
    h := h # size;
    h := rs.times32(h # (h >> 16), 2246822507);
    h := rs.times32(h # (h >> 13), 3266489909);
    h := h # (h >> 16);
    RETURN CASE WHEN h > 2147483647 THEN h - 4294967296 ELSE h END;
END $$;

-- Decimals are their digits without the point as a whole number in as few bytes as hold it, the highest first.
CREATE FUNCTION rs.decimal_bytes(value numeric) RETURNS bytea LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rest numeric := trunc(value * power(10::numeric, scale(value)));
    size integer := 1;
    made bytea;
BEGIN
    WHILE rest >= power(2::numeric, 8 * size - 1) OR rest < -power(2::numeric, 8 * size - 1) LOOP
        size := size + 1;
    END LOOP;
    rest := trunc(CASE WHEN rest < 0 THEN rest + power(2::numeric, 8 * size) ELSE rest END);
    made := decode(repeat('00', size), 'hex');
    FOR n IN REVERSE size - 1 .. 0 LOOP
        made := set_byte(made, n, mod(rest, 256)::integer);
        rest := div(rest, 256);
    END LOOP;
    RETURN made;
END $$;
DO $murmur$ DECLARE kind text; bytes text; BEGIN
    FOR kind, bytes IN VALUES ('text', 'convert_to($1, ''UTF8'')'), ('bytea', '$1'), ('bigint', 'reverse(int8send($1))'),
        ('integer', 'reverse(int8send($1::bigint))'), ('smallint', 'reverse(int8send($1::bigint))'),
        ('boolean', 'reverse(int8send($1::integer::bigint))'), ('numeric', 'rs.decimal_bytes($1)'),
        ('double precision', 'reverse(float8send(CASE WHEN $1 = 0 THEN 0 ELSE $1 END))'),
        ('real', 'reverse(float8send(CASE WHEN $1 = 0 THEN 0 ELSE $1::double precision END))'),
        ('date', 'reverse(int8send(($1 - date ''1970-01-01'')::bigint))'),
        ('time', 'reverse(int8send((extract(epoch FROM $1) * 1000000)::bigint))'),
        ('timestamp', 'reverse(int8send((extract(epoch FROM $1) * 1000000)::bigint))'),
        ('timestamptz', 'reverse(int8send((extract(epoch FROM $1) * 1000000)::bigint))')
    LOOP
        EXECUTE format('CREATE FUNCTION pg_catalog.murmur3_32_hash(%s, integer DEFAULT 0) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS %L',
            kind, format('SELECT rs.murmur3(%s, $2)', bytes));
    END LOOP;
END $murmur$;
