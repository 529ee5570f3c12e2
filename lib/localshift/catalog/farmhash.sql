-- FARMFINGERPRINT64: FarmHash's 64-bit fingerprint. Numbers are unsigned there and lie in bigints here; sums and products are made
-- as decimals and cut to 64 bits.
CREATE FUNCTION rs.u64(numeric) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (mod(mod($1, 18446744073709551616) + 27670116110564327424, 18446744073709551616) - 9223372036854775808)::bigint $$;
CREATE FUNCTION rs.times(bigint, bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.u64($1::numeric * $2) $$;
CREATE FUNCTION rs.plus(VARIADIC bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.u64(pg_catalog.sum(n)) FROM unnest($1) AS u (n) $$;
CREATE FUNCTION rs.shifted(bigint, bits integer) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ($1 >> $2) & ((1::bigint << (64 - $2)) - 1) $$;
CREATE FUNCTION rs.turned(bigint, bits integer) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.shifted($1, $2) | ($1 << (64 - $2)) $$;
CREATE FUNCTION rs.mixed(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 # rs.shifted($1, 47) $$;
CREATE FUNCTION rs.word(bytea, at integer, bytes integer) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (('x' || encode(reverse(substr($1, $2 + 1, $3)), 'hex'))::bit(64) >> (64 - 8 * $3))::bigint $$;
CREATE FUNCTION rs.joined(u bigint, v bigint, m bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.times(rs.mixed(rs.times(v # rs.mixed(rs.times(u # v, m)), m)), m) $$;

CREATE FUNCTION rs.short_fingerprint(s bytea) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    k0 constant bigint := -4348849565147123417;
    k1 constant bigint := -5435081209227447693;
    k2 constant bigint := -7286425919675154353;
    n constant integer := length(s);
    m constant bigint := rs.plus(k2, 2 * n);
    a bigint; b bigint; c bigint; d bigint; y bigint; z bigint; e bigint; g bigint;
BEGIN
    IF n = 0 THEN
        RETURN k2;
    ELSIF n < 4 THEN
        y := get_byte(s, 0) + (get_byte(s, n / 2) << 8);
        z := n + (get_byte(s, n - 1) << 2);
        RETURN rs.times(rs.mixed(rs.times(y, k2) # rs.times(z, k0)), k2);
    ELSIF n < 8 THEN
        RETURN rs.joined(n + (rs.word(s, 0, 4) << 3), rs.word(s, n - 4, 4), m);
    ELSIF n <= 16 THEN
        a := rs.plus(rs.word(s, 0, 8), k2);
        b := rs.word(s, n - 8, 8);
        RETURN rs.joined(rs.plus(rs.times(rs.turned(b, 37), m), a), rs.times(rs.plus(rs.turned(a, 25), b), m), m);
    END IF;
    a := rs.times(rs.word(s, 0, 8), CASE WHEN n <= 32 THEN k1 ELSE k2 END);
    b := rs.word(s, 8, 8);
    c := rs.times(rs.word(s, n - 8, 8), m);
    d := rs.times(rs.word(s, n - 16, 8), k2);
    y := rs.plus(rs.turned(rs.plus(a, b), 43), rs.turned(c, 30), d);
    z := rs.joined(y, rs.plus(a, rs.turned(rs.plus(b, k2), 18), c), m);
    IF n <= 32 THEN
        RETURN z;
    END IF;
    e := rs.times(rs.word(s, 16, 8), m);
    b := rs.word(s, 24, 8);
    g := rs.times(rs.plus(y, rs.word(s, n - 32, 8)), m);
    d := rs.times(rs.plus(z, rs.word(s, n - 24, 8)), m);
    RETURN rs.joined(rs.plus(rs.turned(rs.plus(e, b), 43), rs.turned(g, 30), d), rs.plus(e, rs.turned(rs.plus(b, a), 18), g), m);
END $$;

-- Two words from 32 bytes and two seeds.
CREATE FUNCTION rs.seeded(s bytea, at integer, a bigint, b bigint) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    z constant bigint := rs.word(s, at + 24, 8);
    first bigint := rs.plus(a, rs.word(s, at, 8));
    second bigint := rs.turned(rs.plus(b, first, z), 21);
    seed constant bigint := first;
BEGIN
    first := rs.plus(first, rs.word(s, at + 8, 8), rs.word(s, at + 16, 8));
    second := rs.plus(second, rs.turned(first, 44));
    RETURN ARRAY[rs.plus(first, z), rs.plus(second, seed)];
END $$;
CREATE FUNCTION rs.fingerprint(s bytea) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    k0 constant bigint := -4348849565147123417;
    k1 constant bigint := -5435081209227447693;
    k2 constant bigint := -7286425919675154353;
    n constant integer := length(s);
    steps constant integer := (n - 1) / 64;
    x bigint; y bigint; z bigint; v bigint[]; w bigint[]; m bigint; at integer; swapped bigint;
BEGIN
    IF n <= 64 THEN
        RETURN rs.short_fingerprint(s);
    END IF;
    y := rs.plus(rs.times(81, k1), 113);
    z := rs.times(rs.mixed(rs.plus(rs.times(y, k2), 113)), k2);
    v := '{0,0}'; w := '{0,0}'; m := k1;
    x := rs.plus(rs.times(81, k2), rs.word(s, 0, 8));
    FOR i IN 0..steps LOOP
        at := i * 64;
        IF i = steps THEN
            -- The last 64 bytes, whatever was taken before.
            at := n - 64;
            m := rs.plus(k1, (z & 255) << 1);
            w[1] := rs.plus(w[1], (n - 1) & 63);
            v[1] := rs.plus(v[1], w[1]);
            w[1] := rs.plus(w[1], v[1]);
        END IF;
        x := rs.times(rs.turned(rs.plus(x, y, v[1], rs.word(s, at + 8, 8)), 37), m);
        y := rs.times(rs.turned(rs.plus(y, v[2], rs.word(s, at + 48, 8)), 42), m);
        x := x # CASE WHEN i = steps THEN rs.times(w[2], 9) ELSE w[2] END;
        y := rs.plus(y, CASE WHEN i = steps THEN rs.times(v[1], 9) ELSE v[1] END, rs.word(s, at + 40, 8));
        z := rs.times(rs.turned(rs.plus(z, w[1]), 33), m);
        v := rs.seeded(s, at, rs.times(v[2], m), rs.plus(x, w[1]));
        w := rs.seeded(s, at + 32, rs.plus(z, w[2]), rs.plus(y, rs.word(s, at + 16, 8)));
        swapped := z; z := x; x := swapped;
    END LOOP;
    RETURN rs.joined(rs.plus(rs.joined(v[1], w[1], m), rs.times(rs.mixed(y), k0), z), rs.plus(rs.joined(v[2], w[2], m), x), m);
END $$;
CREATE FUNCTION pg_catalog.farmfingerprint64(text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fingerprint(convert_to($1, 'UTF8')) $$;
