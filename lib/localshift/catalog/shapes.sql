-- PostgreSQL's catalogue in the shape Redshift shows: its extra columns, SUPER, keys, no trace of what localshift keeps.
-- The dialect puts rs.pg_class in place of pg_catalog.pg_class, and rs_info in place of information_schema.
CREATE SCHEMA rs_info;
GRANT USAGE ON SCHEMA rs_info TO PUBLIC;

CREATE FUNCTION rs.is_own(schema oid) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT schema IN ('rs'::regnamespace, 'rs_info'::regnamespace) $$;

-- A view rs.<name> of pg_catalog.<name> AS x: columns as they are, or as `changed` says, `added` ones behind them, `rest` after FROM x.
-- `more` gives the columns of further rows by expressions over `more_from`; what it does not name is null.
CREATE FUNCTION rs.shape(name text, changed jsonb, added text, rest text, more jsonb, more_from text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own text;
    further text;
BEGIN
    SELECT string_agg(format('%s AS %I', coalesce(changed ->> attname, 'x.' || quote_ident(attname)), attname), ', ' ORDER BY attnum),
        string_agg(CASE WHEN more ? attname THEN more ->> attname ELSE format('NULL::%s', format_type(atttypid, atttypmod)) END, ', ' ORDER BY attnum)
    INTO own, further
    FROM pg_catalog.pg_attribute WHERE attrelid = ('pg_catalog.' || name)::regclass AND attnum > 0 AND NOT attisdropped AND atttypid <> 'anyarray'::regtype;
    EXECUTE format('CREATE VIEW rs.%I AS SELECT %s%s FROM pg_catalog.%I AS x %s%s', name, own, added, name, rest,
        CASE WHEN more_from <> '' THEN format(' UNION ALL SELECT %s FROM %s', concat_ws(', ', further, more ->> ''), more_from) ELSE '' END);
    EXECUTE format('GRANT SELECT ON rs.%I TO PUBLIC', name);
END $$;

CREATE FUNCTION pg_catalog.format_encoding(integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ('{none,bytedict,delta,delta32k,lzo,mostly8,mostly16,mostly32,raw,runlength,text255,text32k,zstd,az64}'::text[])[$1 + 1] $$;
CREATE FUNCTION rs.encoding_number(text) RETURNS smallint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_position('{none,bytedict,delta,delta32k,lzo,mostly8,mostly16,mostly32,raw,runlength,text255,text32k,zstd,az64}'::text[], $1) - 1, 0)::smallint $$;

CREATE FUNCTION rs.format_type(oid, integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $1 IN (3802, 4000) THEN 'super' WHEN $1 IN (17, 6551) THEN 'binary varying' || CASE WHEN $2 > 0 THEN format('(%s)', $2) ELSE '' END
        ELSE pg_catalog.format_type($1, $2) END $$;
CREATE FUNCTION rs.pg_get_expr(text, oid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT $1 $$;
CREATE FUNCTION rs.pg_get_expr(text, oid, boolean) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT $1 $$;
CREATE FUNCTION rs.pg_get_expr(pg_node_tree, oid) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT pg_catalog.pg_get_expr($1, $2) $$;
CREATE FUNCTION rs.pg_get_expr(pg_node_tree, oid, boolean) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$ SELECT pg_catalog.pg_get_expr($1, $2, $3) $$;

CREATE FUNCTION rs.pg_get_constraintdef(oid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE k.kind WHEN 'p' THEN 'PRIMARY KEY (' WHEN 'u' THEN 'UNIQUE (' ELSE 'FOREIGN KEY (' END || rs.column_names(k.table_id, k.columns) || ')'
        || CASE WHEN k.kind = 'f' THEN format(' REFERENCES %s(%s)', k.target_id::regclass, rs.column_names(k.target_id, k.target_columns)) ELSE '' END
    FROM rs.table_keys k WHERE k.key_id = $1 $$;
CREATE FUNCTION rs.pg_get_constraintdef(oid, boolean) RETURNS text LANGUAGE sql STABLE AS $$ SELECT rs.pg_get_constraintdef($1) $$;
CREATE FUNCTION rs.pg_get_indexdef(oid, integer, boolean) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN $2 > 0 THEN rs.column_names(k.table_id, k.columns[$2:$2])
        ELSE format('CREATE UNIQUE INDEX %I ON %s USING btree (%s)', k.name, k.table_id::regclass, rs.column_names(k.table_id, k.columns)) END
    FROM rs.table_keys k WHERE k.index_id = $1 $$;
CREATE FUNCTION rs.pg_get_indexdef(oid) RETURNS text LANGUAGE sql STABLE AS $$ SELECT rs.pg_get_indexdef($1, 0, false) $$;

CREATE FUNCTION rs.pg_get_viewdef(oid, boolean) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT format('create view %I.%I as %s with no schema binding;', n.nspname, c.relname, v.query)
        FROM rs.late_views v JOIN pg_class c ON c.oid = v.view_id JOIN pg_namespace n ON n.oid = c.relnamespace WHERE v.view_id = $1),
        regexp_replace(pg_catalog.pg_get_viewdef($1, $2), ' / ''\\(\\d+\\)''::rs\\.places', '', 'g')) $$;
CREATE FUNCTION rs.pg_get_viewdef(oid) RETURNS text LANGUAGE sql STABLE AS $$ SELECT rs.pg_get_viewdef($1, false) $$;
CREATE FUNCTION rs.pg_get_viewdef(text) RETURNS text LANGUAGE sql STABLE AS $$ SELECT rs.pg_get_viewdef($1::regclass::oid, false) $$;
CREATE FUNCTION rs.pg_get_viewdef(text, boolean) RETURNS text LANGUAGE sql STABLE AS $$ SELECT rs.pg_get_viewdef($1::regclass::oid, $2) $$;

DO $$ BEGIN
PERFORM rs.shape('pg_namespace', '{}', ', x.xmin', 'WHERE NOT rs.is_own(x.oid)', '{}', '');
PERFORM rs.shape('pg_class',
    $j${"relchecks": "0::smallint", "reltuples": "greatest(x.reltuples, 0)", "relhastriggers": "EXISTS (SELECT FROM rs.table_keys k WHERE k.kind = 'f' AND x.oid IN (k.table_id, k.target_id))",
      "relhasindex": "x.relhasindex OR EXISTS (SELECT FROM rs.table_keys k WHERE k.kind <> 'f' AND x.oid = k.table_id)"}$j$,
    $c$, x.xmin, false AS relhasoids, EXISTS (SELECT FROM rs.table_keys k WHERE k.kind = 'p' AND k.table_id = x.oid) AS relhaspkey,
    CASE t.diststyle WHEN 'EVEN' THEN 0 WHEN 'KEY' THEN 1 WHEN 'ALL' THEN 8 WHEN 'AUTO' THEN 10 ELSE 0 END::smallint AS reldiststyle,
    CASE t.diststyle WHEN 'EVEN' THEN 0 WHEN 'KEY' THEN 1 WHEN 'ALL' THEN 8 WHEN 'AUTO' THEN 10 ELSE 0 END::integer AS releffectivediststyle,
    t.created AS relcreationtime, (SELECT count(*) FROM rs.table_keys k WHERE k.kind = 'f' AND x.oid IN (k.table_id, k.target_id))::smallint AS reltriggers,
    (SELECT count(*) FROM rs.table_keys k WHERE k.kind = 'u' AND x.oid = k.table_id)::smallint AS relukeys,
    (SELECT count(*) FROM rs.table_keys k WHERE k.kind = 'f' AND x.oid = k.table_id)::smallint AS relfkeys, 0::smallint AS relrefs$c$,
    'LEFT JOIN rs.table_attributes t ON t.table_id = x.oid WHERE NOT rs.is_own(x.relnamespace) AND x.relkind <> ''S''',
    $j${"oid": "k.index_id", "relname": "k.name::name", "relnamespace": "c.relnamespace", "relowner": "c.relowner", "relam": "403::oid", "relkind": "'i'::\"char\"",
      "relnatts": "cardinality(k.columns)::smallint", "reltype": "0::oid", "reloftype": "0::oid", "relfilenode": "0::oid", "reltablespace": "0::oid", "relpages": "1", "reltuples": "0::real",
      "reltoastrelid": "0::oid", "relhasindex": "false", "relisshared": "false", "relpersistence": "c.relpersistence", "relchecks": "0::smallint", "relhasrules": "false",
      "relhastriggers": "false", "relhassubclass": "false", "relrowsecurity": "false", "relforcerowsecurity": "false", "relispopulated": "true", "relreplident": "'n'::\"char\"",
      "relispartition": "false", "": "c.xmin, false, false, 0::smallint, 0, NULL::timestamp, 0::smallint, 0::smallint, 0::smallint, 0::smallint"}$j$,
    'rs.table_keys k JOIN pg_catalog.pg_class c ON c.oid = k.table_id WHERE k.kind <> ''f''');
PERFORM rs.shape('pg_attribute',
    $j${"atttypid": "CASE x.atttypid WHEN 3802 THEN 4000::oid WHEN 17 THEN 6551::oid ELSE x.atttypid END", "atthasdef": "x.atthasdef OR x.attidentity <> ''", "attidentity": "''::\"char\"",
      "attcollation": "CASE WHEN x.attcollation <> 0 THEN 100::oid ELSE x.attcollation END"}$j$,
    $c$, rs.encoding_number(t.encode ->> x.attname) AS attencodingtype, coalesce(t.distkey = x.attname, false) AS attisdistkey,
    coalesce(array_position(t.sortkey, x.attname::text) * CASE WHEN t.sortstyle = 'INTERLEAVED' AND array_position(t.sortkey, x.attname::text) % 2 = 0 THEN -1 ELSE 1 END, 0) AS attsortkeyord$c$,
    'LEFT JOIN rs.table_attributes t ON t.table_id = x.attrelid WHERE NOT EXISTS (SELECT FROM rs.late_views v WHERE v.view_id = x.attrelid)',
    $j${"attrelid": "k.index_id", "attname": "a.attname", "atttypid": "CASE a.atttypid WHEN 3802 THEN 4000::oid WHEN 17 THEN 6551::oid ELSE a.atttypid END", "attlen": "a.attlen", "attnum": "w.n::smallint", "atttypmod": "a.atttypmod",
      "attndims": "a.attndims", "attbyval": "a.attbyval", "attalign": "a.attalign", "attstorage": "a.attstorage", "attcompression": "a.attcompression", "attnotnull": "false", "atthasdef": "false",
      "atthasmissing": "false", "attidentity": "''::\"char\"", "attgenerated": "''::\"char\"", "attisdropped": "false", "attislocal": "true", "attinhcount": "0::smallint", "attcollation": "0::oid",
      "": "0::smallint, false, 0"}$j$,
    'rs.table_keys k CROSS JOIN LATERAL unnest(k.columns) WITH ORDINALITY AS w (number, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.table_id AND a.attnum = w.number WHERE k.kind <> ''f''');
PERFORM rs.shape('pg_type', $j${"oid": "CASE x.oid WHEN 3802 THEN 4000::oid WHEN 17 THEN 6551::oid ELSE x.oid END", "typname": "CASE x.oid WHEN 3802 THEN 'super'::name WHEN 17 THEN 'varbyte'::name ELSE x.typname END", "typarray": "CASE WHEN x.oid IN (17, 3802) THEN 0::oid ELSE x.typarray END"}$j$,
    ', x.xmin', 'WHERE NOT rs.is_own(x.typnamespace) AND x.oid NOT IN (1001, 3807)', '{}', '');
PERFORM rs.shape('pg_index', '{}', '', 'JOIN pg_catalog.pg_class c ON c.oid = x.indrelid AND NOT rs.is_own(c.relnamespace)',
    $j${"indexrelid": "k.index_id", "indrelid": "k.table_id", "indnatts": "cardinality(k.columns)::smallint", "indnkeyatts": "cardinality(k.columns)::smallint", "indisunique": "true",
      "indnullsnotdistinct": "false", "indisprimary": "k.kind = 'p'", "indisexclusion": "false", "indimmediate": "true", "indisclustered": "false", "indisvalid": "true", "indcheckxmin": "false",
      "indisready": "true", "indislive": "true", "indisreplident": "false", "indkey": "array_to_string(k.columns, ' ')::int2vector", "indoption": "array_to_string(array_fill(0, ARRAY[cardinality(k.columns)]), ' ')::int2vector"}$j$,
    'rs.table_keys k WHERE k.kind <> ''f''');
PERFORM rs.shape('pg_constraint', '{}', ', NULL::text AS consrc', 'WHERE false',
    $j${"oid": "k.key_id", "conname": "k.name::name", "connamespace": "c.relnamespace", "contype": "k.kind", "condeferrable": "false", "condeferred": "false", "conenforced": "false", "convalidated": "true",
      "conrelid": "k.table_id", "contypid": "0::oid", "conindid": "CASE WHEN k.kind = 'f' THEN coalesce(k.target_index, 0) ELSE k.index_id END", "conparentid": "0::oid", "confrelid": "coalesce(k.target_id, 0::oid)",
      "confupdtype": "CASE k.kind WHEN 'f' THEN 'a' ELSE ' ' END::\"char\"", "confdeltype": "CASE k.kind WHEN 'f' THEN 'a' ELSE ' ' END::\"char\"", "confmatchtype": "CASE k.kind WHEN 'f' THEN 'u' ELSE ' ' END::\"char\"",
      "conislocal": "true", "coninhcount": "0::smallint", "connoinherit": "true", "conperiod": "false", "conkey": "k.columns", "confkey": "k.target_columns", "": "NULL::text"}$j$,
    'rs.table_keys k JOIN pg_catalog.pg_class c ON c.oid = k.table_id');
PERFORM rs.shape('pg_depend', '{}', '', '',
    $j${"classid": "'pg_constraint'::regclass::oid", "objid": "k.key_id", "objsubid": "0", "refclassid": "'pg_class'::regclass::oid", "refobjid": "k.target_index", "refobjsubid": "0", "deptype": "'n'::\"char\""}$j$,
    'rs.table_keys k WHERE k.kind = ''f''');
PERFORM rs.shape('pg_trigger', '{}', '', 'WHERE false', '{}', '');
PERFORM rs.shape('pg_event_trigger', '{}', '', 'WHERE false', '{}', '');
PERFORM rs.shape('pg_proc', '{}', ', x.xmin, x.prokind = ''a'' AS proisagg, x.prokind = ''w'' AS proiswindow', 'WHERE NOT rs.is_own(x.pronamespace)', '{}', '');
PERFORM rs.shape('pg_database', '{}', ', x.xmin', 'WHERE x.datname <> ''postgres''', '{}', '');
PERFORM rs.shape('pg_user', '{}', ', x.usesuper AS usecatupd', '', '{}', '');
PERFORM rs.shape('pg_group', '{}', '', 'WHERE EXISTS (SELECT FROM pg_shdescription d WHERE d.objoid = x.grosysid AND d.description = ''group'')', '{}', '');
PERFORM rs.shape('pg_tables', '{}', '', 'WHERE x.schemaname NOT IN (''rs'', ''rs_info'')', '{}', '');
PERFORM rs.shape('pg_views', $j${"definition": "rs.pg_get_viewdef(to_regclass(format('%I.%I', x.schemaname, x.viewname)))"}$j$, '', 'WHERE x.schemaname NOT IN (''rs'', ''rs_info'')', '{}', '');
END $$;

CREATE VIEW rs.pg_attrdef AS
SELECT x.tableoid, x.oid, x.adrelid, x.adnum, pg_catalog.pg_get_expr(x.adbin, x.adrelid) AS adbin, pg_catalog.pg_get_expr(x.adbin, x.adrelid) AS adsrc
FROM pg_catalog.pg_attrdef x
UNION ALL
SELECT 2604::oid, s.seqrelid, a.attrelid, a.attnum, w.source, w.source
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
CROSS JOIN LATERAL (SELECT format('%s(%s, %s, ''%s,%s''::text)', CASE a.attidentity WHEN 'd' THEN 'default_identity' ELSE '"identity"' END,
    a.attrelid, a.attnum - 1, s.seqstart, s.seqincrement)) AS w (source)
WHERE a.attidentity <> '';

CREATE VIEW pg_catalog.pg_class_info AS
SELECT oid AS reloid, relname, relnamespace, reltype, relowner, relam, relfilenode, reltablespace, relpages, reltuples, reltoastrelid, relhasindex, relisshared, relkind, relnatts,
    reldiststyle, releffectivediststyle, relcreationtime, relhasoids, relhaspkey, relhasrules, relhassubclass, relacl FROM rs.pg_class;
CREATE VIEW pg_catalog.pg_proc_info AS
SELECT oid AS prooid, proname, pronamespace, proowner, prolang, proisagg, prosecdef, proisstrict, proretset, provolatile, pronargs, prorettype, proargtypes, proargnames, prosrc, probin, proacl, prokind, proargmodes, proallargtypes
FROM rs.pg_proc;

CREATE FUNCTION rs.info_view(name text, filter text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE VIEW rs_info.%I AS SELECT x.* FROM information_schema.%I AS x WHERE %s', name, name, filter);
END $$;
DO $$ BEGIN
PERFORM rs.info_view('tables', 'x.table_schema NOT IN (''rs'', ''rs_info'')');
PERFORM rs.info_view('views', 'x.table_schema NOT IN (''rs'', ''rs_info'')');
PERFORM rs.info_view('schemata', 'x.schema_name NOT IN (''rs'', ''rs_info'')');
PERFORM rs.info_view('routines', 'x.routine_schema NOT IN (''rs'', ''rs_info'')');
PERFORM rs.info_view('sequences', 'false');
PERFORM rs.info_view('triggers', 'false');
PERFORM rs.info_view('check_constraints', 'false');
END $$;

CREATE VIEW rs_info.columns AS
SELECT x.table_catalog, x.table_schema, x.table_name, x.column_name, x.ordinal_position, coalesce(d.adsrc, x.column_default)::varchar AS column_default, x.is_nullable,
    CASE x.data_type WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'binary varying' ELSE x.data_type END::varchar AS data_type,
    CASE x.data_type WHEN 'bytea' THEN nullif(b.atttypmod, -1) ELSE x.character_maximum_length END AS character_maximum_length, x.character_octet_length,
    x.numeric_precision, x.numeric_precision_radix, x.numeric_scale, x.datetime_precision, x.interval_type, x.interval_precision,
    x.character_set_catalog, x.character_set_schema, x.character_set_name, x.collation_catalog, x.collation_schema, x.collation_name,
    x.domain_catalog, x.domain_schema, x.domain_name, x.udt_catalog, x.udt_schema, CASE x.udt_name WHEN 'jsonb' THEN 'super' WHEN 'bytea' THEN 'varbyte' ELSE x.udt_name END::varchar AS udt_name,
    x.dtd_identifier, x.is_self_referencing
FROM information_schema.columns x
LEFT JOIN pg_catalog.pg_attribute b ON x.data_type = 'bytea' AND b.attrelid = to_regclass(format('%I.%I', x.table_schema, x.table_name)) AND b.attnum = x.ordinal_position
LEFT JOIN rs.pg_attrdef d ON x.is_identity = 'YES' AND d.adrelid = to_regclass(format('%I.%I', x.table_schema, x.table_name)) AND d.adnum = x.ordinal_position
WHERE x.table_schema NOT IN ('rs', 'rs_info') AND NOT EXISTS (SELECT FROM rs.late_views v WHERE v.view_id = to_regclass(format('%I.%I', x.table_schema, x.table_name)));

CREATE VIEW rs_info.table_constraints AS
SELECT current_database()::varchar AS constraint_catalog, n.nspname::varchar AS constraint_schema, k.name::varchar AS constraint_name, current_database()::varchar AS table_catalog,
    n.nspname::varchar AS table_schema, c.relname::varchar AS table_name, CASE k.kind WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' ELSE 'FOREIGN KEY' END::varchar AS constraint_type,
    'NO'::varchar AS is_deferrable, 'NO'::varchar AS initially_deferred
FROM rs.table_keys k JOIN pg_catalog.pg_class c ON c.oid = k.table_id JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace;

CREATE VIEW rs_info.key_column_usage AS
SELECT current_database()::varchar AS constraint_catalog, n.nspname::varchar AS constraint_schema, k.name::varchar AS constraint_name, current_database()::varchar AS table_catalog,
    n.nspname::varchar AS table_schema, c.relname::varchar AS table_name, a.attname::varchar AS column_name, w.n::integer AS ordinal_position,
    CASE k.kind WHEN 'f' THEN w.n::integer END AS position_in_unique_constraint
FROM rs.table_keys k JOIN pg_catalog.pg_class c ON c.oid = k.table_id JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL unnest(k.columns) WITH ORDINALITY AS w (number, n) JOIN pg_catalog.pg_attribute a ON a.attrelid = k.table_id AND a.attnum = w.number;

CREATE VIEW rs_info.constraint_column_usage AS
SELECT current_database()::varchar AS table_catalog, n.nspname::varchar AS table_schema, c.relname::varchar AS table_name, a.attname::varchar AS column_name,
    current_database()::varchar AS constraint_catalog, n.nspname::varchar AS constraint_schema, k.name::varchar AS constraint_name
FROM rs.table_keys k JOIN pg_catalog.pg_class c ON c.oid = coalesce(k.target_id, k.table_id) JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (coalesce(k.target_columns, k.columns));

CREATE VIEW rs_info.referential_constraints AS
SELECT current_database()::varchar AS constraint_catalog, n.nspname::varchar AS constraint_schema, k.name::varchar AS constraint_name, current_database()::varchar AS unique_constraint_catalog,
    m.nspname::varchar AS unique_constraint_schema, u.name::varchar AS unique_constraint_name, 'NONE'::varchar AS match_option, 'NO ACTION'::varchar AS update_rule, 'NO ACTION'::varchar AS delete_rule
FROM rs.table_keys k JOIN pg_catalog.pg_class c ON c.oid = k.table_id JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class d ON d.oid = k.target_id JOIN pg_catalog.pg_namespace m ON m.oid = d.relnamespace
LEFT JOIN rs.table_keys u ON u.index_id = k.target_index WHERE k.kind = 'f';

GRANT SELECT ON ALL TABLES IN SCHEMA rs_info TO PUBLIC;
GRANT SELECT ON rs.pg_attrdef, pg_catalog.pg_class_info, pg_catalog.pg_proc_info TO PUBLIC;
