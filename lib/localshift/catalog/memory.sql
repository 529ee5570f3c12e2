-- What PostgreSQL has no place for: table attributes, history, and the triggers that keep them. Run once per database.
CREATE SCHEMA rs;
GRANT USAGE ON SCHEMA rs TO PUBLIC;
GRANT CREATE ON SCHEMA public TO PUBLIC;
ALTER SCHEMA public OWNER TO CURRENT_USER;

CREATE TABLE rs.version (version integer NOT NULL);

CREATE TABLE rs.table_attributes (
    table_id oid PRIMARY KEY,
    diststyle text NOT NULL,
    distkey text,
    sortstyle text NOT NULL,
    sortkey text[] NOT NULL,
    encode jsonb NOT NULL,
    backup boolean NOT NULL,
    created timestamp NOT NULL
);

CREATE TABLE rs.query_history (
    query_id bigint PRIMARY KEY,
    user_name text NOT NULL,
    database_name text NOT NULL,
    query_label text NOT NULL,
    transaction_id bigint NOT NULL,
    session_id integer NOT NULL,
    query_type text NOT NULL,
    status text NOT NULL,
    start_time timestamp NOT NULL,
    end_time timestamp NOT NULL,
    error_message text NOT NULL,
    returned_rows bigint NOT NULL,
    query_text text NOT NULL
);

-- VARCHAR(n) and CHAR(n) count bytes: a check beside PostgreSQL's own count of characters, on every column that has none.
-- One ALTER TABLE for all of them: it calls the trigger again, which then finds nothing left to do.
CREATE FUNCTION rs.keep_bytes(relation oid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    changes text;
BEGIN
    SELECT string_agg(concat_ws(', ', stale, missing), ', ') INTO changes
    FROM (
        SELECT CASE WHEN c.conname <> wanted.name THEN format('DROP CONSTRAINT %I', c.conname) END AS stale,
            CASE WHEN c.conname IS DISTINCT FROM wanted.name THEN
                format('ADD CONSTRAINT %I CHECK (pg_catalog.octet_length(%I) <= %s)', wanted.name, a.attname, a.atttypmod - 4)
            END AS missing
        FROM pg_attribute a
        CROSS JOIN LATERAL (SELECT format('_rs_bytes_%s_%s', a.atttypmod - 4, a.attnum)) AS wanted (name)
        LEFT JOIN pg_constraint c
            ON c.conrelid = a.attrelid AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum] AND c.conname ^@ '_rs_bytes_'
        WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
            AND a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
    ) AS work
    WHERE missing IS NOT NULL;
    IF changes IS NOT NULL THEN
        EXECUTE format('ALTER TABLE %s %s', relation::regclass, changes);
    END IF;
END $$;

CREATE FUNCTION rs.on_ddl_end() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    command record;
    attributes jsonb;
    likeness rs.table_attributes;
BEGIN
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE classid = 'pg_class'::regclass LOOP
        CONTINUE WHEN command.object_type <> 'table';
        IF command.command_tag IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') THEN
            attributes := coalesce(nullif(current_setting('redshift.table_attributes', true), ''), '{}')::json::jsonb;
            SELECT * INTO likeness FROM rs.table_attributes WHERE table_id = nullif(current_setting('redshift.table_like', true), '')::oid;
            INSERT INTO rs.table_attributes VALUES (
                command.objid,
                coalesce(attributes ->> 'diststyle', likeness.diststyle, 'AUTO'),
                coalesce(attributes ->> 'distkey', likeness.distkey),
                coalesce(attributes ->> 'sortstyle', likeness.sortstyle, 'AUTO'),
                coalesce((SELECT array_agg(value) FROM jsonb_array_elements_text(nullif(attributes -> 'sortkey', 'null'))),
                         likeness.sortkey, '{}'),
                coalesce(attributes -> 'encode', likeness.encode, '{}'),
                coalesce((attributes ->> 'backup')::boolean, likeness.backup, true),
                clock_timestamp()
            ) ON CONFLICT (table_id) DO NOTHING;
            IF attributes ? 'keys' THEN
                PERFORM rs.remember_key(command.objid, key) FROM jsonb_array_elements(attributes -> 'keys') AS k (key) ORDER BY key ->> 'kind' DESC;
            END IF;
            IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = command.objid AND tgname = '_rs_queue')
                AND EXISTS (SELECT FROM pg_class WHERE oid = command.objid AND relpersistence = 'p' AND relnamespace <> 'rs'::regnamespace) THEN
                EXECUTE format('CREATE TRIGGER _rs_queue BEFORE INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION rs.queue_writers()',
                    command.objid::regclass);
            END IF;
        END IF;
        IF command.command_tag IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') THEN
            PERFORM rs.keep_bytes(command.objid);
        END IF;
    END LOOP;
END $$;

CREATE FUNCTION rs.on_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM rs.table_attributes
    WHERE table_id IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'table');
END $$;

-- New values over the remembered ones; a key that is absent stays as it was.
CREATE FUNCTION rs.alter_attributes(relation regclass, changes jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    UPDATE rs.table_attributes t SET
        diststyle = coalesce(changes ->> 'diststyle', t.diststyle),
        distkey = CASE WHEN changes ? 'diststyle' THEN changes ->> 'distkey' ELSE t.distkey END,
        sortstyle = coalesce(changes ->> 'sortstyle', t.sortstyle),
        sortkey = CASE WHEN changes ? 'sortkey'
            THEN ARRAY(SELECT jsonb_array_elements_text(changes -> 'sortkey')) ELSE t.sortkey END,
        encode = t.encode || coalesce(changes -> 'encode', '{}')
    WHERE table_id = relation;
END $$;

-- Values the front keeps per session lie in a small file, so that no rollback takes them back.
CREATE FUNCTION rs.session_value(name text) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT coalesce((pg_read_file('rs_sessions/' || pg_backend_pid(), true)::json ->> name)::bigint, 0)
$$;

CREATE EVENT TRIGGER rs_ddl_end ON ddl_command_end
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER TABLE') EXECUTE FUNCTION rs.on_ddl_end();
CREATE EVENT TRIGGER rs_drop ON sql_drop
    WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA', 'DROP OWNED') EXECUTE FUNCTION rs.on_drop();
