-- Late-binding views: their text, who may read them, and how they are read with the rights of their owner.
CREATE TABLE rs.late_views (view_id oid PRIMARY KEY, query text NOT NULL);
GRANT SELECT ON rs.late_views TO PUBLIC;

CREATE FUNCTION rs.late_binding() RETURNS integer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RAISE EXCEPTION 'a late-binding view cannot be used here by localshift' USING ERRCODE = '0A000';
END $$;

-- Who cannot read what stands below a view reads it by the view's function, which runs as the view's owner. It takes the
-- view's query, since that is bound at each use, and a ticket, which only the front can make, so that it is that query.
CREATE TABLE rs.ticket_secret (secret text NOT NULL);
INSERT INTO rs.ticket_secret VALUES (gen_random_uuid()::text || gen_random_uuid()::text);

CREATE FUNCTION rs.ticket(view oid, query text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT encode(sha256(convert_to(secret || view || ' ' || query, 'UTF8')), 'hex') FROM rs.ticket_secret $$;
REVOKE ALL ON FUNCTION rs.ticket(oid, text) FROM PUBLIC;

CREATE FUNCTION rs.check_ticket(view oid, query text, given text) RETURNS void LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF given <> rs.ticket(view, query) THEN
        RAISE EXCEPTION 'permission denied for relation %', view::regclass USING ERRCODE = '42501';
    END IF;
END $$;

CREATE FUNCTION rs.remember_view(name text, query text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    view oid := name::regclass;
BEGIN
    INSERT INTO rs.late_views VALUES (view, query) ON CONFLICT (view_id) DO UPDATE SET query = excluded.query;
    EXECUTE format('CREATE OR REPLACE FUNCTION rs.late_%s(query text, ticket text) RETURNS SETOF record LANGUAGE plpgsql STABLE SECURITY DEFINER '
        'AS ''BEGIN PERFORM rs.check_ticket(%s, query, ticket); RETURN QUERY EXECUTE query; END''', view, view);
    PERFORM rs.follow_owner(view);
END $$;

CREATE FUNCTION rs.follow_owner(view oid) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ALTER FUNCTION rs.late_%s(text, text) OWNER TO %I', view, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = view));
END $$;

CREATE FUNCTION rs.on_alter_view() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    PERFORM rs.follow_owner(objid) FROM pg_event_trigger_ddl_commands() WHERE objid IN (SELECT view_id FROM rs.late_views);
END $$;
CREATE EVENT TRIGGER rs_alter_view ON ddl_command_end WHEN TAG IN ('ALTER TABLE', 'ALTER VIEW') EXECUTE FUNCTION rs.on_alter_view();

CREATE FUNCTION rs.on_drop_view() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    gone oid;
BEGIN
    FOR gone IN DELETE FROM rs.late_views
        WHERE view_id IN (SELECT objid FROM pg_event_trigger_dropped_objects() WHERE object_type = 'view') RETURNING view_id
    LOOP
        EXECUTE format('DROP FUNCTION rs.late_%s(text, text)', gone);
    END LOOP;
END $$;
CREATE EVENT TRIGGER rs_drop_view ON sql_drop
    WHEN TAG IN ('DROP VIEW', 'DROP SCHEMA', 'DROP OWNED') EXECUTE FUNCTION rs.on_drop_view();

-- The late-binding views this session can name, by bare names when its search path finds them, and by names with a schema;
-- `denied` is what it may not enter or read, null where it may.
CREATE FUNCTION rs.visible_late_views() RETURNS TABLE (name text, view_id oid, owner text, query text, denied text)
LANGUAGE sql STABLE AS $$
    SELECT unnest(CASE WHEN pg_table_is_visible(c.oid) THEN ARRAY[c.relname::text] END || ARRAY[n.nspname || '.' || c.relname]),
        c.oid, pg_get_userbyid(c.relowner)::text, v.query,
        CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN 'schema ' || n.nspname
            WHEN NOT has_table_privilege(c.oid, 'SELECT') THEN 'relation ' || c.relname END
    FROM rs.late_views v JOIN pg_class c ON c.oid = v.view_id JOIN pg_namespace n ON n.oid = c.relnamespace $$;

-- Of what stands below a view: what its owner may not read, whether the reader may read it himself, and whether this session
-- may enter the schemas.
CREATE FUNCTION rs.late_access(view oid, reader text, names text[]) RETURNS TABLE (denied text, direct boolean, entered boolean)
LANGUAGE sql STABLE AS $$
    WITH below AS (
        SELECT c.oid AS relation, c.relname, n.oid AS schema, n.nspname, pg_get_userbyid(v.relowner) AS owner,
            coalesce(nullif(reader, ''), current_user) AS reader
        FROM pg_class v CROSS JOIN unnest(names) AS x (name)
        JOIN pg_namespace n ON n.nspname = split_part(x.name, '.', 1)
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = split_part(x.name, '.', 2)
        WHERE v.oid = view
    )
    SELECT min(CASE WHEN NOT has_schema_privilege(owner, schema, 'USAGE') THEN 'schema ' || nspname
            WHEN NOT has_table_privilege(owner, relation, 'SELECT') AND NOT has_any_column_privilege(owner, relation, 'SELECT')
            THEN 'relation ' || relname END),
        coalesce(bool_and(has_table_privilege(owner, relation, 'SELECT') AND has_schema_privilege(b.reader, schema, 'USAGE')
            AND has_table_privilege(b.reader, relation, 'SELECT')), true),
        coalesce(bool_and(has_schema_privilege(schema, 'USAGE')), true)
    FROM below b $$;
