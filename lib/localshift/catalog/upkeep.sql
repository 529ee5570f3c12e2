-- What statements need of the database that PostgreSQL's own do not do: MERGE's checks, APPEND, CANCEL.
CREATE TABLE rs.transaction_history (
    transaction_id bigint NOT NULL,
    user_name text NOT NULL,
    database_name text NOT NULL,
    session_id integer NOT NULL,
    isolation_level text NOT NULL,
    status text NOT NULL,
    start_time timestamp NOT NULL,
    end_time timestamp NOT NULL
);

-- A relation the catalogue has and the snapshot has not is newer than the snapshot.
CREATE FUNCTION rs.check_snapshot(names text[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY names LOOP
        IF to_regclass(name) IS NOT NULL AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass(name)) THEN
            RAISE EXCEPTION '1018 DETAIL:  Relation does not exist.' USING ERRCODE = 'XX000';
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION rs.check_merge(source text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (SELECT relkind FROM pg_class WHERE oid = to_regclass(source)) <> 'r' THEN
        RAISE EXCEPTION 'MERGE source must be a table: a view is not supported' USING ERRCODE = '0A000';
    END IF;
END $$;

CREATE FUNCTION rs.columns_of(relation regclass) RETURNS TABLE (number bigint, name text, type text, required boolean, encoding text)
LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (ORDER BY a.attnum), a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        coalesce(t.encode ->> a.attname, 'none')
    FROM pg_attribute a LEFT JOIN rs.table_attributes t ON t.table_id = a.attrelid
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped $$;

CREATE FUNCTION rs.check_same_columns(target text, source text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM rs.columns_of(target::regclass) a FULL JOIN rs.columns_of(source::regclass) b USING (number)
               WHERE a.type IS DISTINCT FROM b.type) THEN
        RAISE EXCEPTION 'MERGE with REMOVE DUPLICATES needs the same number of columns of the same types in both tables'
            USING ERRCODE = '0A000';
    END IF;
END $$;

CREATE FUNCTION rs.append_table(target text, source text, mode text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    a regclass := target::regclass;
    b regclass := source::regclass;
    wrong text;
    columns text;
    moved bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_class WHERE oid IN (a, b) AND (relkind <> 'r' OR relpersistence = 't')) THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND needs two permanent tables' USING ERRCODE = '0A000';
    END IF;
    IF a = b THEN
        RAISE EXCEPTION 'Target table and source table must be different' USING ERRCODE = '0A000';
    END IF;
    IF EXISTS (SELECT FROM rs.table_attributes x JOIN rs.table_attributes y ON x.table_id = a AND y.table_id = b
               WHERE (x.diststyle, x.distkey, x.sortstyle, x.sortkey) IS DISTINCT FROM (y.diststyle, y.distkey, y.sortstyle, y.sortkey)) THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND: the tables differ in distribution style, distribution key or sort key' USING ERRCODE = '0A000';
    END IF;
    SELECT string_agg(coalesce(x.name, y.name), ', ') INTO wrong
    FROM rs.columns_of(a) x FULL JOIN rs.columns_of(b) y ON x.name = y.name
    WHERE (x.name IS NULL AND mode <> 'ignoreextra') OR (y.name IS NULL AND mode <> 'filltarget')
        OR (x.type, x.required, x.encoding) <> (y.type, y.required, y.encoding);
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'ALTER TABLE APPEND: columns do not match: %', wrong USING ERRCODE = '0A000';
    END IF;
    SELECT string_agg(quote_ident(x.name), ', ') INTO columns FROM rs.columns_of(a) x JOIN rs.columns_of(b) y ON x.name = y.name;
    EXECUTE format('WITH gone AS (DELETE FROM %s RETURNING %s) INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM gone', b, columns, a, columns, columns);
    GET DIAGNOSTICS moved = ROW_COUNT;
    RAISE INFO 'ALTER TABLE APPEND "%" from "%" is complete.', a, b;
END $$;

CREATE FUNCTION rs.cancel(pid integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = cancel.pid AND a.usename IS NOT NULL) THEN
        RAISE EXCEPTION 'PID % is not an active session', pid USING ERRCODE = '22023';
    END IF;
    PERFORM pg_cancel_backend(pid);
END $$;

-- Writers to one table queue: each takes the table's turn at its first row and keeps it to the end of its transaction.
CREATE FUNCTION rs.queue_writers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1919, tg_relid::integer);
    RETURN NULL;
END $$;

-- A role that others have goes only by force, which takes it from them.
CREATE FUNCTION rs.check_ungranted(names text[]) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
    granted text;
BEGIN
    SELECT r.rolname INTO granted FROM pg_catalog.pg_roles r JOIN pg_catalog.pg_auth_members m ON m.roleid = r.oid WHERE r.rolname = ANY (names) LIMIT 1;
    IF granted IS NOT NULL THEN
        RAISE EXCEPTION 'role "%" cannot be dropped because it has been granted to other users or roles', granted
            USING ERRCODE = '2BP01', HINT = 'DROP ROLE ... FORCE takes it from them.';
    END IF;
END $$;

-- PostgreSQL writes through simple views, Redshift through none.
CREATE FUNCTION rs.check_no_view(target text, verb text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (SELECT relkind FROM pg_catalog.pg_class WHERE oid = to_regclass(target)) = 'v' THEN
        RAISE EXCEPTION 'cannot % a view', verb USING ERRCODE = '0A000';
    END IF;
END $$;
