"""Lists of words: functions Redshift has, those of the leader node only, types PostgreSQL has and Redshift lacks."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


FUNCTIONS = word_set(
    """
    abs acos add_months age any_value approximate array array_concat array_contains array_distinct array_position array_sort array_flatten ascii asin atan atan2 avg bit_and bit_or bool_and bool_or bpcharcmp btrim bttext_pattern_cmp
    can_json_parse cast cbrt ceil ceiling char_length character_length charindex chr coalesce concat convert
    convert_timezone cos cot count cume_dist current_database current_date current_schema current_schemas
    current_setting current_time current_timestamp current_user date date_cmp date_cmp_timestamp date_cmp_timestamptz date_part
    pgdate_part date_part_year date_trunc dateadd datediff
    decode degrees dense_rank dexp difference dlog1 dlog10 exists exp extract farmfingerprint64 first_value floor format_type generate_series
    get_array_length get_bit get_byte getdate greatest has_database_privilege has_schema_privilege has_table_privilege
    has_column_privilege initcap interval_cmp is_array is_bigint is_boolean is_integer is_object is_scalar is_smallint is_valid_json
    is_valid_json_array is_varchar isfinite isnull json_extract_path_text json_parse json_size json_typeof
    json_serialize json_serialize_to_varbyte lower_attribute_names upper_attribute_names try_cast current_user_id lag last_day last_value lead least left len length listagg ln localtime localtimestamp log lower
    lpad ltrim max md5 median min mod months_between next_day now nth_value ntile nullif nvl nvl2 obj_description
    object octet_length octetindex percent_rank percentile_cont percentile_disc pg_backend_pid pg_get_viewdef pg_get_userbyid
    pg_last_copy_count pg_last_copy_id pg_last_query_id pg_last_unload_count pg_table_is_visible pi position
    pow power quote_ident quote_literal radians random rank ratio_to_report regexp_replace regexp_substr regexp_count regexp_instr repeat
    replace replicate reverse right round row_number rpad rtrim session_user sha sha1 func_sha1 crc32 soundex sha2 sign sin split_part split_to_array subarray sqrt stddev stddev_pop
    stddev_samp strpos strtol substr substring sum sysdate tan text textlen timeofday timestamp timestamp_cmp timestamp_cmp_date
    timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp timezone to_char to_date
    to_hex to_varbyte from_hex from_varbyte getbit murmur3_32_hash to_number to_timestamp translate trim trunc upper user var_pop var_samp variance version
    json_array_length json_extract_array_element_text fnv_hash
    varchar char bpchar numeric decimal int int2 int4 int8 float4 float8 bool
    in values and or not as on using over any some all when then else union except intersect from where select
    by filter within table interval grouping cube rollup sets partition row set_config pg_get_constraintdef
    pg_get_indexdef pg_get_expr pg_client_encoding getdatabaseencoding pg_encoding_to_char pg_function_is_visible pg_type_is_visible
    col_description array_to_string array_upper array_lower
    """
)
# Redshift has these, and localshift has not.
NOT_HERE = word_set(
    """
    array_except array_intersection array_positions
    array_union change_query_priority change_session_priority change_user_priority checksum collate current_aws_account current_namespace current_session_arn db_collation decimal_precision decimal_scale
    default_iam_role explain_model has_assumerole_privilege intervaltonum is_char is_decimal
    is_float json_parse_array json_to_array
    object_transform pg_cancel_backend pg_get_cols pg_get_grantee_by_iam_role pg_get_iam_role_by_user
    get_most_recent_principal last_user_query_id addbbox dropbbox supportsbbox
    pg_get_session_roles pg_last_unload_id pg_terminate_backend reboot_cluster role_is_member_of setbit size
    slice_num text_to_int_alt text_to_numeric_alt trim_array user_is_member_of
    """
)
FAMILIES_NOT_HERE = ("st_", "h3_", "hll", "geometry", "geography")
LEADER_ONLY = word_set(
    """
    age current_schema current_schemas current_time current_timestamp generate_series get_bit get_byte has_database_privilege
    has_schema_privilege has_table_privilege isfinite localtime localtimestamp now substr
    """
)
FOREIGN_TYPES = word_set(
    """
    json jsonb uuid bytea xml money inet cidr macaddr macaddr8 bit varbit tsvector tsquery point line lseg box path
    polygon circle int4range int8range numrange tsrange tstzrange daterange serial serial2 serial4 serial8 bigserial
    smallserial oidvector int2vector jsonpath citext hstore
    """
)
# PostgreSQL casts by a call of these.
FOREIGN_CASTS = word_set("uuid json jsonb bytea money xml")
TYPES_NOT_HERE = word_set("hllsketch geometry geography")
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
    search_path datestyle intervalstyle timezone statement_timeout extra_float_digits client_encoding application_name client_min_messages
    seed
    """
)
SHOWN = word_set(
    """
    server_version server_encoding is_superuser session_authorization transaction_isolation standard_conforming_strings
    integer_datetimes transaction_read_only default_transaction_read_only
    """
)
SYSTEM_PREFIXES = ("pg_", "svv_", "stl_", "stv_", "sys_", "svl_", "svcs_")
SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema"})
