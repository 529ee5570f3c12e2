-- System views by which clients find their way: databases, users, roles, what runs. @provisioned@ ... @end@ as in views.sql.
CREATE VIEW pg_catalog.svv_redshift_databases AS
SELECT datname::varchar AS database_name, datdba::integer AS database_owner, 'local'::varchar AS database_type, array_to_string(datacl, ',')::varchar AS database_acl,
    NULL::varchar AS database_options, coalesce(nullif(current_setting('redshift.isolation', true), ''), 'Snapshot Isolation')::varchar AS database_isolation_level
FROM pg_catalog.pg_database WHERE NOT datistemplate AND datname <> 'postgres';

CREATE VIEW pg_catalog.svv_user_info AS
SELECT usename::varchar AS user_name, usesysid::integer AS user_id, usecreatedb AS createdb, usesuper AS superuser, usesuper AS catalog_update,
    NULL::varchar AS connection_limit, 'RESTRICTED'::varchar AS syslog_access, NULL::timestamp AS last_ddl_timestamp, NULL::varchar AS session_timeout, NULL::varchar AS external_user_id
FROM pg_catalog.pg_user WHERE usename <> 'rdsdb' OR rs.may_see('rdsdb');

CREATE VIEW pg_catalog.svv_mv_info AS
SELECT current_database()::char(128) AS database_name, n.nspname::char(128) AS schema_name, u.usename::char(128) AS user_name, c.relname::char(128) AS name,
    'f'::char(1) AS is_stale, 0 AS state, 'f'::char(1) AS autorewrite, 'f'::char(1) AS autorefresh
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_user u ON u.usesysid = c.relowner WHERE c.relkind = 'm';

CREATE VIEW pg_catalog.sys_session_history AS
SELECT s.usesysid::integer AS user_id, s.pid AS session_id, s.usename::char(128) AS user_name, s.datname::char(128) AS database_name, s.application_name::char(250) AS application_name,
    s.backend_start AT TIME ZONE 'UTC' AS start_time, NULL::timestamp AS end_time
FROM pg_catalog.pg_stat_activity s WHERE s.usename IS NOT NULL AND s.usename <> 'rdsdb' AND rs.may_see(s.usename::text);

-- @provisioned@
CREATE VIEW pg_catalog.stv_mv_info AS
SELECT database_name AS db_name, schema_name AS schema, name, user_name AS updated_upto_xid, is_stale, user_name AS owner_user_name, state, autorewrite, autorefresh FROM pg_catalog.svv_mv_info;
CREATE VIEW pg_catalog.stv_sessions AS
SELECT start_time AS starttime, session_id AS process, user_name, database_name AS db_name, 0 AS timeout_sec FROM pg_catalog.sys_session_history;
CREATE VIEW pg_catalog.stv_recents AS
SELECT s.usesysid::integer AS userid, CASE s.state WHEN 'active' THEN 'Running' ELSE 'Done' END::char(20) AS status, s.query_start AT TIME ZONE 'UTC' AS starttime,
    (extract(epoch FROM clock_timestamp() - s.query_start) * 1000000)::integer AS duration, s.usename::char(50) AS user_name, s.datname::char(50) AS db_name, s.query::char(600) AS query, s.pid
FROM pg_catalog.pg_stat_activity s WHERE s.usename IS NOT NULL AND s.usename <> 'rdsdb' AND rs.may_see(s.usename::text);
-- @end@
