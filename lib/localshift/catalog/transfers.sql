-- What COPY and UNLOAD leave in memory; written on the history's own connection, so that rollbacks keep it.
CREATE TABLE rs.load_history (
    query_id bigint PRIMARY KEY,
    user_name text NOT NULL,
    database_name text NOT NULL,
    transaction_id bigint NOT NULL,
    session_id integer NOT NULL,
    status text NOT NULL,
    table_name text NOT NULL,
    start_time timestamp NOT NULL,
    end_time timestamp NOT NULL,
    data_source text NOT NULL,
    file_format text NOT NULL,
    loaded_rows bigint NOT NULL,
    loaded_bytes bigint NOT NULL,
    source_file_count integer NOT NULL,
    source_file_bytes bigint NOT NULL,
    files_scanned integer NOT NULL,
    bytes_scanned bigint NOT NULL,
    error_count bigint NOT NULL,
    error_message text NOT NULL
);

CREATE TABLE rs.load_errors (
    query_id bigint NOT NULL,
    user_name text NOT NULL,
    database_name text NOT NULL,
    transaction_id bigint NOT NULL,
    session_id integer NOT NULL,
    table_id bigint NOT NULL,
    start_time timestamp NOT NULL,
    file_name text NOT NULL,
    line_number bigint NOT NULL,
    column_name text NOT NULL,
    column_type text NOT NULL,
    column_length text NOT NULL,
    position integer NOT NULL,
    raw_line text NOT NULL,
    raw_field text NOT NULL,
    error_code integer NOT NULL,
    error_message text NOT NULL
);

CREATE TABLE rs.load_files (
    query_id bigint NOT NULL,
    user_name text NOT NULL,
    file_name text NOT NULL,
    file_format text NOT NULL,
    lines_scanned bigint NOT NULL,
    bytes_scanned bigint NOT NULL,
    errors bigint NOT NULL,
    committed boolean NOT NULL,
    start_time timestamp NOT NULL,
    end_time timestamp NOT NULL
);

CREATE TABLE rs.unload_history (
    query_id bigint PRIMARY KEY,
    user_name text NOT NULL,
    database_name text NOT NULL,
    transaction_id bigint NOT NULL,
    session_id integer NOT NULL,
    status text NOT NULL,
    start_time timestamp NOT NULL,
    end_time timestamp NOT NULL,
    file_format text NOT NULL,
    compression_type text NOT NULL,
    unloaded_location text NOT NULL,
    unloaded_rows bigint NOT NULL,
    unloaded_files_count bigint NOT NULL,
    unloaded_files_size bigint NOT NULL,
    error_message text NOT NULL
);

CREATE TABLE rs.unload_files (
    query_id bigint NOT NULL,
    user_name text NOT NULL,
    transaction_id bigint NOT NULL,
    session_id integer NOT NULL,
    file_name text NOT NULL,
    file_format text NOT NULL,
    slice integer NOT NULL,
    line_count bigint NOT NULL,
    transfer_size bigint NOT NULL,
    start_time timestamp NOT NULL,
    end_time timestamp NOT NULL
);
