"""Lists of words: functions Redshift has, those of the leader node only, types PostgreSQL has and Redshift lacks."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


FUNCTIONS = word_set(
    """
    abs acos add_months age any_value ascii asin atan atan2 avg bit_and bit_or bool_and bool_or bpcharcmp btrim
    can_json_parse cast cbrt ceil ceiling char_length character_length charindex chr coalesce concat convert
    convert_timezone cos cot count cume_dist current_database current_date current_schema current_schemas
    current_setting current_time current_timestamp current_user date date_cmp date_part date_trunc dateadd datediff
    decode degrees dense_rank dexp every exists exp extract first_value floor format_type generate_series
    get_bit get_byte getdate greatest has_database_privilege has_schema_privilege has_table_privilege
    has_column_privilege initcap is_valid_json is_valid_json_array isfinite isnull json_extract_path_text json_parse
    json_serialize lag last_day last_value lead least left len length listagg ln localtime localtimestamp log lower
    lpad ltrim max md5 median min mod months_between now nth_value ntile nullif nvl nvl2 obj_description
    octet_length overlay percent_rank percentile_cont percentile_disc pg_backend_pid pg_get_viewdef pg_get_userbyid
    pg_last_copy_count pg_last_copy_id pg_last_query_id pg_last_unload_count pg_table_is_visible pi position
    pow power quote_ident quote_literal radians random rank ratio_to_report regexp_replace regexp_substr regexp_count regexp_instr repeat
    replace reverse right round row_number rpad rtrim session_user sha2 sign sin split_part sqrt stddev stddev_pop
    stddev_samp strpos strtol substr substring sum sysdate tan text textlen timeofday timestamp timezone to_char to_date
    to_hex to_number to_timestamp translate trim trunc upper user var_pop var_samp variance version width_bucket
    json_array_length json_extract_array_element_text fnv_hash
    sha224 sha256 sha384 sha512 bit_length varchar char bpchar numeric decimal int int2 int4 int8 float4 float8 bool
    in values and or not as on using over any some all when then else union except intersect from where select
    by filter within table interval grouping cube rollup sets partition row set_config pg_get_constraintdef
    """
)
NOT_HERE = word_set("crc32 sha sha1 func_sha1 ratio_to_report percentile_disc soundex difference json_parse_array")
LEADER_ONLY = word_set(
    "age current_time current_timestamp generate_series get_bit get_byte isfinite localtime localtimestamp now substr"
)
FOREIGN_TYPES = word_set(
    """
    json jsonb uuid bytea xml money inet cidr macaddr macaddr8 bit varbit tsvector tsquery point line lseg box path
    polygon circle int4range int8range numrange tsrange tstzrange daterange serial serial2 serial4 serial8 bigserial
    smallserial oidvector int2vector jsonpath citext hstore hllsketch geometry geography varbyte varbinary binary
    """
)
SETTINGS = word_set(
    """
    query_group analyze_threshold_percent enable_result_cache_for_session enable_case_sensitive_identifier
    enable_case_sensitive_super_attribute enable_numeric_rounding enable_vacuum_boost json_serialization_enable
    json_serialization_parse_nested_strings mv_enable_aqmv_for_session navigate_super_null_on_error
    parse_super_null_on_error pg_federation_repeatable_read spectrum_enable_pseudo_columns
    spectrum_query_maxerror stored_proc_log_min_messages use_fips_ssl wlm_query_slot_count cast_super_null_on_error
    default_geometry_encoding describe_field_name_in_uppercase downcase_delimited_identifier
    max_concurrency_scaling_clusters max_cursor_result_set_size
    """
)
SETTABLE = word_set(
    """
    search_path datestyle timezone statement_timeout extra_float_digits client_encoding application_name client_min_messages
    """
)
SHOWN = word_set(
    """
    server_version server_encoding is_superuser session_authorization transaction_isolation standard_conforming_strings
    integer_datetimes
    """
)
SYSTEM_PREFIXES = ("pg_", "svv_", "stl_", "stv_", "sys_", "svl_", "svcs_")
SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema"})
