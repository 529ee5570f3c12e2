-- The system views over transfers.sql. @provisioned@ ... @end@ encloses what a serverless workgroup does not have.
CREATE VIEW pg_catalog.sys_load_history AS
SELECT rs.user_number(user_name) AS user_id, query_id, transaction_id, session_id, database_name, status, table_name, start_time, end_time,
    (extract(epoch FROM end_time - start_time) * 1000000)::bigint AS duration, data_source, file_format, loaded_rows, loaded_bytes,
    source_file_count, source_file_bytes, files_scanned AS file_count_scanned, bytes_scanned AS file_bytes_scanned, error_count,
    0 AS copy_job_id
FROM rs.load_history WHERE rs.may_see(user_name);

CREATE VIEW pg_catalog.sys_load_detail AS
SELECT rs.user_number(user_name) AS user_id, query_id, file_name::char(256) AS file_name, bytes_scanned::integer AS bytes_scanned,
    lines_scanned::integer AS lines_scanned, end_time AS record_time, 1 AS splits_scanned, start_time, end_time
FROM rs.load_files WHERE rs.may_see(user_name);

CREATE VIEW pg_catalog.sys_load_error_detail AS
SELECT rs.user_number(user_name) AS user_id, query_id, transaction_id, session_id, database_name::char(64) AS database_name,
    table_id::integer AS table_id, start_time, file_name::char(256) AS file_name, line_number, column_name::char(127) AS column_name,
    column_type::char(10) AS column_type, column_length::char(10) AS column_length, position, error_code,
    error_message::char(512) AS error_message
FROM rs.load_errors WHERE rs.may_see(user_name);

CREATE VIEW pg_catalog.sys_unload_history AS
SELECT rs.user_number(user_name) AS user_id, query_id, transaction_id, session_id, database_name, status, start_time, end_time,
    (extract(epoch FROM end_time - start_time) * 1000000)::bigint AS duration, file_format, compression_type, unloaded_location,
    unloaded_rows, unloaded_files_count, unloaded_files_size, error_message
FROM rs.unload_history WHERE rs.may_see(user_name);

CREATE VIEW pg_catalog.sys_unload_detail AS
SELECT rs.user_number(user_name) AS user_id, query_id, session_id, transaction_id, file_name::char(1280) AS file_name, start_time,
    end_time, line_count, transfer_size, file_format::char(10) AS file_format
FROM rs.unload_files WHERE rs.may_see(user_name);

-- @provisioned@
CREATE VIEW pg_catalog.stl_load_errors AS
SELECT rs.user_number(user_name) AS userid, 0 AS slice, table_id::integer AS tbl, start_time AS starttime, session_id AS session,
    query_id::integer AS query, file_name::char(256) AS filename, line_number, column_name::char(127) AS colname,
    column_type::char(10) AS type, column_length::char(10) AS col_length, position, raw_line::char(1024) AS raw_line,
    raw_field::char(1024) AS raw_field_value, error_code AS err_code, error_message::char(100) AS err_reason
FROM rs.load_errors WHERE rs.may_see(user_name);

CREATE VIEW pg_catalog.stl_load_commits AS
SELECT rs.user_number(user_name) AS userid, query_id::integer AS query, 0 AS slice, file_name::char(256) AS name, file_name::char(256) AS filename,
    0 AS byte_offset, lines_scanned::integer AS lines_scanned, errors::integer AS errors, end_time AS curtime, 1 AS status,
    file_format::char(16) AS file_format, 0 AS is_partial, 0::bigint AS start_offset
FROM rs.load_files WHERE committed AND rs.may_see(user_name);

CREATE VIEW pg_catalog.stl_unload_log AS
SELECT rs.user_number(user_name) AS userid, query_id::integer AS query, slice, session_id AS pid, file_name::char(1280) AS path, start_time,
    end_time, line_count, transfer_size, file_format::char(10) AS file_format
FROM rs.unload_files WHERE rs.may_see(user_name);
-- @end@
