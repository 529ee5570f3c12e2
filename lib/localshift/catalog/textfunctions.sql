-- Redshift's functions of text: searching, hashing, and what PostgreSQL has with another meaning.
-- The value makes the call depend on the row: the planner would call a constant one before any row is looked at. And what calls it
-- is not STRICT: the planner takes only what is strict all through into the query, the rest it calls for each row.
CREATE FUNCTION rs.fail(message text, value integer) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RAISE EXCEPTION '%: %', message, value USING ERRCODE = '22023';
END $$;

CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.len(character) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT length($1) $$;
-- Trailing blanks of CHAR are not counted, in bytes either.
CREATE FUNCTION rs.octet_length(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT octet_length($1) $$;
CREATE FUNCTION rs.octet_length(character) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT octet_length($1::text) $$;
-- The database's locale is C, which knows case of ASCII only; so does ILIKE, in Redshift too.
CREATE FUNCTION rs.upper(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.upper($1 COLLATE pg_c_utf8) $$;
CREATE FUNCTION rs.lower(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.lower($1 COLLATE pg_c_utf8) $$;
CREATE FUNCTION rs.initcap(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT pg_catalog.initcap($1 COLLATE pg_c_utf8) $$;
CREATE FUNCTION pg_catalog.charindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT strpos($2, $1) $$;
CREATE FUNCTION pg_catalog.octetindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE strpos($2, $1) WHEN 0 THEN 0 ELSE octet_length("left"($2, strpos($2, $1) - 1)) + 1 END $$;
CREATE FUNCTION pg_catalog.replicate(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT repeat($1, $2) $$;
CREATE FUNCTION rs.concat(text, text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT $1 || $2 $$;
CREATE FUNCTION rs.bpcharcmp(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT sign(pg_catalog.bpcharcmp($1::bpchar, $2::bpchar))::integer $$;
CREATE FUNCTION rs.bttext_pattern_cmp(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT rs.bpcharcmp($1, $2) $$;
CREATE FUNCTION rs.split_part(text, text, integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $3 < 1 THEN rs.fail('field position must be greater than zero', $3) ELSE pg_catalog.split_part($1, $2, $3) END $$;
-- PostgreSQL leaves characters out at a negative length; what Redshift does is not documented.
CREATE FUNCTION rs."left"(text, integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 < 0 THEN rs.fail('LEFT with a negative length is not supported by localshift', $2) ELSE pg_catalog."left"($1, $2) END $$;
CREATE FUNCTION rs."right"(text, integer) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 < 0 THEN rs.fail('RIGHT with a negative length is not supported by localshift', $2) ELSE pg_catalog."right"($1, $2) END $$;
CREATE FUNCTION rs.listagg(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN octet_length($1) > 65535 THEN rs.fail('Result size exceeds LISTAGG limit', octet_length($1)) ELSE $1 END $$;

-- Regular expressions. PostgreSQL decides greediness and alternatives for a whole expression, Perl's dialect one by one.
-- Where every quantifier is lazy and belongs to a single character, and nothing matches nothing, the shortest match is Perl's too.
CREATE FUNCTION rs.is_lazy(pattern text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    -- Escapes and sets are characters like others; a group that is not kept is one that is.
    bare text := replace(regexp_replace(pattern, '\\\\.|\\[\\^?\\]?[^]]*\\]', 'x', 'g'), '(?:', '(');
BEGIN
    RETURN '' !~ pattern AND bare !~ '[)][*+?{]' AND regexp_replace(bare, '([*+?]|[{][0-9,]+[}])[?]', '', 'g') !~ '[*+?{|]';
END $$;
CREATE FUNCTION rs.pattern(pattern text, parameters text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF parameters ~ '[^ciep]' THEN
        RAISE EXCEPTION 'invalid regular expression parameter "%"', parameters USING ERRCODE = '22023';
    END IF;
    IF pattern ~ '(^|[^\\\\])[*+?}][?+]' AND NOT (parameters ~ 'p' AND rs.is_lazy(pattern)) THEN
        RAISE EXCEPTION 'lazy quantifiers beside others, and possessive ones, are not supported by localshift' USING ERRCODE = '0A000';
    END IF;
    IF parameters ~ 'p' AND pattern ~ '(^|[^\\\\])(\\||\\(\\?[^:=!<])' THEN
        RAISE EXCEPTION 'alternatives and groups of this kind in a PCRE pattern are not supported by localshift' USING ERRCODE = '0A000';
    END IF;
    RETURN pattern;
END $$;
CREATE FUNCTION rs.flags(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE WHEN $1 ~ 'i[^c]*$' THEN 'i' ELSE '' END $$;
CREATE FUNCTION rs.subexpression(pattern text, parameters text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 ~ 'e' AND $1 ~ '(^|[^\\\\])\\((?!\\?)' THEN 1 ELSE 0 END $$;
CREATE FUNCTION rs.regexp_substr(text, text, integer DEFAULT 1, integer DEFAULT 1, text DEFAULT 'c') RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $1 IS NULL OR $2 IS NULL OR $4 < 1 OR $4 > greatest(length($1), 1) THEN NULL ELSE
        coalesce(pg_catalog.regexp_substr($1, rs.pattern($2, $5), greatest($3, 1), $4, rs.flags($5), rs.subexpression($2, $5)), '') END $$;
CREATE FUNCTION rs.regexp_count(text, text, integer DEFAULT 1, text DEFAULT 'c') RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $3 > length($1) THEN 0 ELSE pg_catalog.regexp_count($1, rs.pattern($2, $4), greatest($3, 1), rs.flags($4)) END $$;
CREATE FUNCTION rs.regexp_instr(text, text, integer DEFAULT 1, integer DEFAULT 1, integer DEFAULT 0, text DEFAULT 'c') RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $4 < 1 OR $4 > length($1) OR $3 > length($1) THEN 0 ELSE pg_catalog.regexp_instr(
        $1, rs.pattern($2, $6), greatest($3, 1), $4, CASE $5 WHEN 0 THEN 0 ELSE 1 END, rs.flags($6), rs.subexpression($2, $6)) END $$;
-- In Perl's dialect $1 is the first group, in the other \1; what \& does here is nothing Redshift has.
CREATE FUNCTION rs.regexp_replace(text, text, text DEFAULT '', integer DEFAULT 1, text DEFAULT 'c') RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $4 > length($1) THEN $1 ELSE pg_catalog."left"($1, greatest($4, 1) - 1) || pg_catalog.regexp_replace(
        substr($1, greatest($4, 1)), rs.pattern($2, $5),
        CASE WHEN $5 ~ 'p' THEN pg_catalog.regexp_replace(replace($3, '\\', '\\\\'), '[$]([0-9])', '\\\\\\1', 'g') ELSE replace($3, '\\&', '\\\\&') END,
        'g' || rs.flags($5)) END $$;

CREATE FUNCTION pg_catalog.soundex(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    letters text := upper(regexp_replace($1, '[^a-zA-Z]', '', 'g'));
    code text := '';
    digit text;
    last text := '';
BEGIN
    FOR i IN 1..length(letters) LOOP
        digit := translate(substr(letters, i, 1), 'BFPVCGJKQSXZDTLMNRAEIOUYHW', '11112222222233455600000099');
        IF i = 1 THEN
            code := substr(letters, 1, 1);
        ELSIF digit BETWEEN '1' AND '6' AND digit <> last THEN
            code := code || digit;
        END IF;
        -- H and W do not part two letters of one code, vowels do.
        IF digit <> '9' THEN
            last := digit;
        END IF;
    END LOOP;
    RETURN CASE code WHEN '' THEN '' ELSE substr(code || '000', 1, 4) END;
END $$;
CREATE FUNCTION pg_catalog.difference(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN soundex($1) = '' AND soundex($2) = '' THEN 1 WHEN soundex($1) = '' OR soundex($2) = '' THEN 0
        ELSE (SELECT count(*)::integer FROM generate_series(1, 4) AS i WHERE substr(soundex($1), i, 1) = substr(soundex($2), i, 1)) END $$;

CREATE FUNCTION pg_catalog.crc32(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT lpad(to_hex(crc32c(convert_to($1, 'UTF8'))), 8, '0') $$;
CREATE FUNCTION pg_catalog.sha2(text, integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT encode(CASE $2 WHEN 224 THEN sha224(convert_to($1, 'UTF8')) WHEN 384 THEN sha384(convert_to($1, 'UTF8'))
        WHEN 512 THEN sha512(convert_to($1, 'UTF8')) WHEN 256 THEN sha256(convert_to($1, 'UTF8')) WHEN 0 THEN sha256(convert_to($1, 'UTF8')) END, 'hex')
$$;
CREATE FUNCTION pg_catalog.sha1(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    message bytea := convert_to($1, 'UTF8');
    mask constant bigint := 4294967295;
    h bigint[] := ARRAY[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; turned bigint;
BEGIN
    message := message || '\\x80'::bytea || decode(repeat('00', (119 - octet_length(message) % 64) % 64), 'hex') || int8send(octet_length(message)::bigint * 8);
    FOR block IN 0..octet_length(message) / 64 - 1 LOOP
        FOR t IN 0..79 LOOP
            IF t < 16 THEN
                w[t] := (get_byte(message, block * 64 + t * 4)::bigint << 24) + (get_byte(message, block * 64 + t * 4 + 1) << 16)
                    + (get_byte(message, block * 64 + t * 4 + 2) << 8) + get_byte(message, block * 64 + t * 4 + 3);
            ELSE
                turned := w[t - 3] # w[t - 8] # w[t - 14] # w[t - 16];
                w[t] := ((turned << 1) & mask) | (turned >> 31);
            END IF;
        END LOOP;
        a := h[1]; b := h[2]; c := h[3]; d := h[4]; e := h[5];
        FOR t IN 0..79 LOOP
            f := CASE t / 20 WHEN 0 THEN ((b & c) | ((b # mask) & d)) + 1518500249 WHEN 1 THEN (b # c # d) + 1859775393
                WHEN 2 THEN ((b & c) | (b & d) | (c & d)) + 2400959708 ELSE (b # c # d) + 3395469782 END;
            turned := (((a << 5) & mask) + (a >> 27) + f + e + w[t]) & mask;
            e := d; d := c; c := ((b << 30) & mask) | (b >> 2); b := a; a := turned;
        END LOOP;
        h := ARRAY[(h[1] + a) & mask, (h[2] + b) & mask, (h[3] + c) & mask, (h[4] + d) & mask, (h[5] + e) & mask];
    END LOOP;
    RETURN (SELECT string_agg(lpad(to_hex(part), 8, '0'), '' ORDER BY n) FROM unnest(h) WITH ORDINALITY AS u (part, n));
END $$;
CREATE FUNCTION pg_catalog.sha(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT sha1($1) $$;
CREATE FUNCTION pg_catalog.func_sha1(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT sha1($1) $$;

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
CREATE FUNCTION pg_catalog.fnv_hash(text, bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(convert_to($1, 'UTF8'), $2) $$;
CREATE FUNCTION pg_catalog.fnv_hash(smallint, bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(reverse(int2send($1)), $2) $$;
CREATE FUNCTION pg_catalog.fnv_hash(integer, bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(reverse(int4send($1)), $2) $$;
CREATE FUNCTION pg_catalog.fnv_hash(bigint, bigint DEFAULT -3750763034362895579) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT rs.fnv(reverse(int8send($1)), $2) $$;

-- What is no text is taken as text by these, as PostgreSQL did long ago.
DO $kinds$ DECLARE kind text; call text; name text; arguments text; BEGIN
    FOREACH kind IN ARRAY ARRAY['smallint', 'integer', 'bigint', 'numeric', 'date', 'timestamp'] LOOP
        FOREACH call IN ARRAY ARRAY[
            'pg_catalog.len()', 'pg_catalog.length()', 'pg_catalog.char_length()', 'pg_catalog.strpos(text)', 'rs.left(integer)', 'rs.right(integer)',
            'pg_catalog.substring(integer)', 'pg_catalog.substring(integer, integer)', 'rs.split_part(text, integer)', 'pg_catalog.btrim()',
            'pg_catalog.ltrim()', 'pg_catalog.rtrim()', 'pg_catalog.ltrim(text)', 'pg_catalog.rtrim(text)', 'pg_catalog.lpad(integer, text)',
            'pg_catalog.rpad(integer, text)', 'pg_catalog.replace(text, text)', 'rs.regexp_substr(text)', 'rs.regexp_replace(text, text)'] LOOP
            name := split_part(call, '(', 1);
            arguments := nullif(rtrim(split_part(call, '(', 2), ')'), '');
            EXECUTE format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE sql STABLE STRICT PARALLEL SAFE AS %L', name, concat_ws(', ', kind, arguments),
                CASE WHEN name ~ 'len|strpos' THEN 'integer' ELSE 'text' END,
                format('SELECT %s(%s)', name, concat_ws(', ', '$1::text', (
                    SELECT string_agg('$' || n + 1, ', ') FROM generate_series(1, cardinality(string_to_array(arguments, ','))) AS n))));
        END LOOP;
        EXECUTE format('CREATE FUNCTION pg_catalog.charindex(text, %s) RETURNS integer LANGUAGE sql STABLE STRICT PARALLEL SAFE AS %L', kind,
            'SELECT strpos($2::text, $1)');
    END LOOP;
END $kinds$;
