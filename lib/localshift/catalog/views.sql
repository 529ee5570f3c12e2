-- Redshift's system views. @provisioned@ ... @end@ encloses what a serverless workgroup does not have.
CREATE VIEW pg_catalog.svv_tables AS
SELECT current_database()::varchar AS table_catalog, table_schema::varchar AS table_schema, table_name::varchar AS table_name,
    table_type::varchar AS table_type, NULL::varchar AS remarks
FROM rs_info.tables;

CREATE VIEW pg_catalog.svv_columns AS
SELECT table_catalog::varchar, table_schema::varchar, table_name::varchar, column_name::varchar,
    ordinal_position::integer, column_default::varchar, is_nullable::varchar,
    CASE data_type WHEN 'jsonb' THEN 'super' ELSE data_type END::varchar AS data_type,
    character_maximum_length::integer, numeric_precision::integer, numeric_precision_radix::integer, numeric_scale::integer,
    datetime_precision::integer, NULL::varchar AS interval_type, NULL::varchar AS interval_precision,
    NULL::varchar AS character_set_catalog, NULL::varchar AS character_set_schema, NULL::varchar AS character_set_name,
    NULL::varchar AS collation_catalog, NULL::varchar AS collation_schema, NULL::varchar AS collation_name,
    NULL::varchar AS domain_name, NULL::varchar AS remarks
FROM rs_info.columns
UNION ALL
SELECT current_database()::varchar, schema_name::varchar, view_name::varchar, column_name::varchar, column_number, NULL::varchar, 'YES'::varchar,
    split_part(column_type, '(', 1)::varchar, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::integer, NULL::varchar, NULL::varchar, NULL::varchar, NULL::varchar,
    NULL::varchar, NULL::varchar, NULL::varchar, NULL::varchar, NULL::varchar, NULL::varchar
FROM rs.late_columns();

CREATE VIEW pg_catalog.svv_all_tables AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name,
    CASE table_type WHEN 'BASE TABLE' THEN 'TABLE' WHEN 'LOCAL TEMPORARY' THEN 'TABLE' ELSE table_type END::varchar AS table_type,
    NULL::varchar AS table_acl, remarks
FROM pg_catalog.svv_tables;
CREATE VIEW pg_catalog.svv_redshift_tables AS SELECT database_name, schema_name, table_name, table_type, table_acl, remarks FROM pg_catalog.svv_all_tables;

CREATE VIEW pg_catalog.svv_all_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, column_default,
    is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
FROM pg_catalog.svv_columns;
CREATE VIEW pg_catalog.svv_redshift_columns AS
SELECT c.database_name, c.schema_name, c.table_name, c.column_name, c.ordinal_position, c.data_type, c.column_default, c.is_nullable,
    coalesce(a.encode ->> c.column_name, 'none')::varchar AS encoding, coalesce(a.distkey = c.column_name, false) AS distkey,
    coalesce(array_position(a.sortkey, c.column_name::text), 0) AS sortkey, NULL::varchar AS column_acl, c.remarks
FROM pg_catalog.svv_all_columns c
LEFT JOIN rs.table_attributes a ON a.table_id = to_regclass(format('%I.%I', c.schema_name, c.table_name));

CREATE VIEW pg_catalog.svv_all_schemas AS
SELECT current_database()::varchar AS database_name, n.nspname::varchar AS schema_name, n.nspowner::integer AS schema_owner,
    'local'::varchar AS schema_type, array_to_string(n.nspacl, ',')::varchar AS schema_acl, NULL::varchar AS source_database,
    NULL::varchar AS schema_option
FROM pg_namespace n WHERE NOT rs.is_own(n.oid) AND n.nspname !~ '^pg_(toast|temp)';
CREATE VIEW pg_catalog.svv_redshift_schemas AS SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, schema_option FROM pg_catalog.svv_all_schemas;

CREATE VIEW pg_catalog.svv_external_schemas AS
SELECT NULL::oid AS esoid, NULL::smallint AS eskind, NULL::name AS schemaname, NULL::integer AS esowner, NULL::text AS databasename, NULL::text AS esoptions WHERE false;
CREATE VIEW pg_catalog.svv_external_tables AS
SELECT NULL::varchar AS redshift_database_name, NULL::varchar AS schemaname, NULL::varchar AS tablename, NULL::varchar AS tabletype, NULL::varchar AS location WHERE false;
CREATE VIEW pg_catalog.svv_external_columns AS
SELECT NULL::varchar AS redshift_database_name, NULL::varchar AS schemaname, NULL::varchar AS tablename, NULL::varchar AS columnname, NULL::varchar AS external_type, NULL::integer AS columnnum WHERE false;

CREATE VIEW pg_catalog.pg_table_def AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
    rs.format_type(a.atttypid, a.atttypmod) AS type,
    coalesce(t.encode ->> a.attname, 'none') AS encoding, coalesce(t.distkey = a.attname, false) AS distkey,
    coalesce(array_position(t.sortkey, a.attname::text), 0) AS sortkey, a.attnotnull AS notnull
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN rs.table_attributes t ON t.table_id = c.oid
WHERE c.relkind = 'r' AND n.nspname = ANY (current_schemas(false)) AND has_table_privilege(c.oid, 'SELECT');

CREATE FUNCTION rs.count_rows(relation oid) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %s', relation::regclass) INTO result;
    RETURN result;
END $$;
REVOKE ALL ON FUNCTION rs.count_rows(oid) FROM PUBLIC;

CREATE VIEW pg_catalog.svv_table_info AS
SELECT current_database()::text AS database, schema, table_id, "table", encoded, diststyle, sortkey1, max_varchar, sortkey1_enc,
    sortkey_num, size, NULL::numeric(10,4) AS pct_used, 0::bigint AS empty, 0::numeric(5,2) AS unsorted, 0::numeric(5,2) AS stats_off,
    tbl_rows::numeric(38,0), NULL::numeric(19,2) AS skew_sortkey1, NULL::numeric(19,2) AS skew_rows,
    tbl_rows::numeric(38,0) AS estimated_visible_rows, NULL::text AS risk_event, NULL::numeric(12,2) AS vacuum_sort_benefit, create_time
FROM (
    SELECT n.nspname::text AS schema, c.oid AS table_id, c.relname::text AS "table",
        CASE WHEN t.encode = '{}' THEN 'Y, AUTO(ENCODE)' ELSE 'Y' END AS encoded,
        CASE WHEN t.diststyle = 'KEY' THEN format('KEY(%s)', t.distkey) WHEN t.diststyle = 'AUTO' THEN 'AUTO(ALL)' ELSE coalesce(t.diststyle, 'AUTO(ALL)') END AS diststyle,
        CASE WHEN t.sortstyle = 'AUTO' THEN 'AUTO(SORTKEY)' ELSE t.sortkey[1] END AS sortkey1,
        coalesce((SELECT max(atttypmod - 4) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND atttypid IN (1042, 1043)), 0) AS max_varchar,
        t.encode ->> t.sortkey[1] AS sortkey1_enc, cardinality(t.sortkey) AS sortkey_num,
        greatest(pg_total_relation_size(c.oid) / 1048576, 1) AS size, rs.count_rows(c.oid) AS tbl_rows, t.created AS create_time
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN rs.table_attributes t ON t.table_id = c.oid
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('rs', 'pg_catalog', 'information_schema')
) AS tables
WHERE tbl_rows > 0;
REVOKE ALL ON pg_catalog.svv_table_info FROM PUBLIC;

CREATE VIEW pg_catalog.stv_db_isolation_level AS
SELECT datname AS db_name, coalesce(nullif(current_setting('redshift.isolation', true), ''), 'Snapshot Isolation') AS isolation_level
FROM pg_database WHERE NOT datistemplate;

CREATE FUNCTION rs.may_see(owner text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT owner = session_user OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) $$;
CREATE FUNCTION rs.user_number(name text) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT oid::integer FROM pg_roles WHERE rolname = name), 0) $$;

CREATE VIEW pg_catalog.sys_query_history AS
SELECT rs.user_number(user_name) AS user_id, query_id, query_label::char(320) AS query_label, transaction_id, session_id,
    database_name::char(128) AS database_name, query_type::char(32) AS query_type, status::char(10) AS status,
    false AS result_cache_hit, start_time, end_time, (extract(epoch FROM end_time - start_time) * 1000000)::bigint AS elapsed_time,
    0::bigint AS queue_time, (extract(epoch FROM end_time - start_time) * 1000000)::bigint AS execution_time,
    error_message::char(512) AS error_message, returned_rows, 0::bigint AS returned_bytes, query_text::char(4000) AS query_text,
    '8.0.2'::char(256) AS redshift_version, 'default'::char(124) AS usage_limit, 'primary'::char(10) AS compute_type
FROM rs.query_history WHERE rs.may_see(user_name);

-- @provisioned@
CREATE VIEW pg_catalog.stl_query AS
SELECT rs.user_number(user_name) AS userid, query_id AS query, query_label::char(320) AS label, transaction_id AS xid, session_id AS pid,
    database_name::char(32) AS database, query_text::char(4000) AS querytxt, start_time AS starttime, end_time AS endtime,
    CASE WHEN status = 'success' THEN 0 ELSE 1 END AS aborted, 0 AS insert_pristine, 0 AS concurrency_scaling_status
FROM rs.query_history WHERE rs.may_see(user_name);
-- @end@

CREATE VIEW pg_catalog.sys_transaction_history AS
SELECT rs.user_number(user_name) AS user_id, transaction_id, isolation_level::char(30) AS isolation_level, status::char(30) AS status,
    start_time AS transaction_start_time, end_time AS commit_start_time, end_time AS commit_end_time, NULL::bigint AS blocks_committed,
    CASE status WHEN 'aborted' THEN end_time END AS undo_start_time, CASE status WHEN 'aborted' THEN end_time END AS undo_end_time,
    session_id, database_name
FROM rs.transaction_history WHERE rs.may_see(user_name);

CREATE VIEW pg_catalog.svv_relation_privileges AS
SELECT n.nspname::varchar AS namespace_name, c.relname::varchar AS relation_name, a.privilege_type::varchar AS privilege_type,
    a.grantee::integer AS identity_id, coalesce(r.rolname, 'public')::varchar AS identity_name,
    CASE WHEN a.grantee = 0 THEN 'public' WHEN r.rolcanlogin THEN 'user' ELSE coalesce(p.kind, 'role') END::varchar AS identity_type,
    a.is_grantable AS admin_option
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('rs', 'pg_catalog', 'information_schema')
CROSS JOIN LATERAL aclexplode(c.relacl) AS a
LEFT JOIN pg_roles r ON r.oid = a.grantee
LEFT JOIN (SELECT objoid, description AS kind FROM pg_shdescription WHERE description IN ('group', 'role')) p ON p.objoid = a.grantee
WHERE c.relkind IN ('r', 'v', 'm') AND a.privilege_type NOT IN ('MAINTAIN', 'TRIGGER')
    AND (a.grantee = 0 OR rs.may_see(r.rolname) OR pg_has_role(session_user, r.oid, 'member'));
