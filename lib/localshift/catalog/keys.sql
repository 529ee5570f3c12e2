-- Primary, unique and foreign keys: Redshift keeps them as information and enforces none, so PostgreSQL must not see them.
CREATE TABLE rs.table_keys (
    key_id oid PRIMARY KEY,
    index_id oid NOT NULL,
    table_id oid NOT NULL,
    name text NOT NULL,
    kind "char" NOT NULL,
    columns smallint[] NOT NULL,
    target_id oid,
    target_columns smallint[],
    target_index oid
);
GRANT SELECT ON rs.table_keys TO PUBLIC;

-- The numbers of these columns, in this order.
CREATE FUNCTION rs.column_numbers(relation oid, names jsonb) RETURNS smallint[] LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    numbers smallint[];
    missing text;
BEGIN
    SELECT array_agg(a.attnum ORDER BY n), min(w.name) FILTER (WHERE a.attnum IS NULL) INTO numbers, missing
    FROM jsonb_array_elements_text(names) WITH ORDINALITY AS w (name, n)
    LEFT JOIN pg_attribute a ON a.attrelid = relation AND a.attname = w.name AND a.attnum > 0 AND NOT a.attisdropped;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" named in key does not exist', missing USING ERRCODE = '42703';
    END IF;
    RETURN numbers;
END $$;

-- A name as the client's search path finds it, which the front leaves here before a statement with keys.
CREATE FUNCTION rs.found_by_client(name text) RETURNS oid LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM set_config('search_path', current_setting('redshift.search_path'), true);
    RETURN name::pg_catalog.regclass;
END $$;

CREATE FUNCTION rs.remember_key(relation oid, key jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    numbers smallint[] := rs.column_numbers(relation, key -> 'columns');
    kind "char" := key ->> 'kind';
    target oid;
    aim rs.table_keys;
    given text := key ->> 'name';
    stem text := (SELECT relname FROM pg_class WHERE oid = relation);
BEGIN
    IF kind = 'p' AND EXISTS (SELECT FROM rs.table_keys k WHERE k.table_id = relation AND k.kind = 'p') THEN
        RAISE EXCEPTION 'multiple primary keys for table "%" are not allowed', stem USING ERRCODE = '42P16';
    END IF;
    IF kind = 'f' THEN
        target := rs.found_by_client(key ->> 'target');
        SELECT * INTO aim FROM rs.table_keys k
        WHERE k.table_id = target AND k.kind IN ('p', 'u')
            AND CASE WHEN key ? 'target_columns' THEN k.columns @> rs.column_numbers(target, key -> 'target_columns')
                AND k.columns <@ rs.column_numbers(target, key -> 'target_columns') ELSE k.kind = 'p' END
        ORDER BY k.kind LIMIT 1;
        IF aim.key_id IS NULL THEN
            RAISE EXCEPTION 'there is no primary key or unique constraint matching given keys for referenced table "%"',
                (SELECT relname FROM pg_class WHERE oid = target) USING ERRCODE = '42830';
        END IF;
    END IF;
    given := coalesce(given, concat_ws('_', stem, CASE WHEN kind <> 'p' THEN key -> 'columns' ->> 0 END,
        CASE kind WHEN 'p' THEN 'pkey' WHEN 'u' THEN 'key' ELSE 'fkey' END));
    INSERT INTO rs.table_keys VALUES (
        pg_nextoid('pg_constraint', 'oid', 'pg_constraint_oid_index'), pg_nextoid('pg_class', 'oid', 'pg_class_oid_index'),
        relation, given, kind, numbers, target,
        CASE WHEN kind = 'f' THEN coalesce(rs.column_numbers(target, key -> 'target_columns'), aim.columns) END, aim.index_id
    );
END $$;
REVOKE ALL ON FUNCTION rs.remember_key(oid, jsonb) FROM PUBLIC;

-- Keys given by an ALTER TABLE: only the table's owner may.
CREATE FUNCTION rs.add_key(relation regclass, key jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = relation), 'usage') THEN
        RAISE EXCEPTION 'must be owner of relation %', relation USING ERRCODE = '42501';
    END IF;
    PERFORM rs.remember_key(relation, key);
END $$;

CREATE FUNCTION rs.drop_key(relation regclass, key text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = relation), 'usage') THEN
        RAISE EXCEPTION 'must be owner of relation %', relation USING ERRCODE = '42501';
    END IF;
    DELETE FROM rs.table_keys WHERE table_id = relation AND name = key;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'constraint "%" does not exist', key USING ERRCODE = '42704';
    END IF;
END $$;

-- Names of a relation's columns by number, as they stand in a key's definition.
CREATE FUNCTION rs.column_names(relation oid, numbers smallint[]) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY n)
    FROM unnest(numbers) WITH ORDINALITY AS w (number, n) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = w.number $$;

-- A table that another's foreign key refers to is dropped with CASCADE only.
CREATE FUNCTION rs.check_unreferenced(names text[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    held rs.table_keys;
BEGIN
    SELECT k.* INTO held FROM rs.table_keys k
    WHERE k.kind = 'f' AND k.target_id IN (SELECT to_regclass(n) FROM unnest(names) AS u (n))
        AND NOT EXISTS (SELECT FROM unnest(names) AS u (n) WHERE to_regclass(n) = k.table_id)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'cannot drop table % because other objects depend on it', held.target_id::regclass USING ERRCODE = '2BP01',
            DETAIL = format('constraint %s on table %s depends on table %s', held.name, held.table_id::regclass, held.target_id::regclass),
            HINT = 'Use DROP ... CASCADE to drop the dependent objects too.';
    END IF;
END $$;

CREATE FUNCTION rs.forget_keys() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM rs.table_keys k USING pg_event_trigger_dropped_objects() d
    WHERE d.classid = 'pg_class'::regclass AND (
        (d.objsubid = 0 AND d.objid IN (k.table_id, k.target_id))
        OR (d.objid = k.table_id AND d.objsubid = ANY (k.columns)) OR (d.objid = k.target_id AND d.objsubid = ANY (k.target_columns)));
END $$;
CREATE EVENT TRIGGER rs_forget_keys ON sql_drop
    WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'ALTER TABLE') EXECUTE FUNCTION rs.forget_keys();
