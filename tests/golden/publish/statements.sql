-- the session's label
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SET query_group TO '20261124t061153-7f3c2a {"app":"lakemart","project":"gharchive","model":"hourly_activity"}';

-- whether the schema is there
-- parameters: ('marts',)
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT COUNT(*) FROM pg_catalog.pg_namespace WHERE nspname = %s;

-- the schema
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
CREATE SCHEMA IF NOT EXISTS "marts";

-- the target as it stands
-- parameters: ('marts', 'hourly_activity')
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT CAST(a.attname AS varchar(128)), pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON a.attrelid = c.oid
JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum;

-- a target
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
CREATE TABLE IF NOT EXISTS "marts"."hourly_activity" (
  "event_date" date,
  "event_hour" integer,
  "event_type" varchar(64) NOT NULL,
  "events" bigint NOT NULL,
  "share" decimal(9,4),
  "rate" double precision,
  "seen" timestamp,
  "heard" timestamptz,
  "busy" boolean,
  "small" smallint
)
DISTKEY ("event_type")
SORTKEY ("event_date", "event_hour");

-- a target with nothing but columns
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
CREATE TABLE IF NOT EXISTS "marts"."hourly_activity" (
  "event_date" date,
  "event_hour" integer,
  "event_type" varchar(64) NOT NULL,
  "payload" super,
  "tags" super
);

-- the loads table
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
CREATE TABLE IF NOT EXISTS "marts"."lakemart_loads" (
  "project" varchar(64) NOT NULL,
  "model" varchar(64) NOT NULL,
  "number" bigint NOT NULL,
  "slices" varchar(65535),
  "lake_table" varchar(64),
  "lake_version" bigint,
  "rows" bigint,
  "content_hash" varchar(64),
  "run" varchar(64),
  "loaded_at" timestamp
);

-- a table's description
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
COMMENT ON TABLE "marts"."hourly_activity" IS 'An hour''s events; it''s \\ ''quoted''';

-- a column's description
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
COMMENT ON COLUMN "marts"."hourly_activity"."event_date" IS 'UTC date';

-- use of the schema
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
GRANT USAGE ON SCHEMA "marts" TO ROLE "analyst";

-- reading of the target
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.prepare","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
GRANT SELECT ON TABLE "marts"."hourly_activity" TO ROLE "analyst";

-- the staging table
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.copy","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
CREATE TEMPORARY TABLE "lakemart_staging" (LIKE "marts"."hourly_activity");

-- the staging table of a target with super columns
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.copy","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
CREATE TEMPORARY TABLE "lakemart_staging" (
  "event_date" date,
  "event_hour" integer,
  "event_type" varchar(64) NOT NULL,
  "payload" varchar(65535),
  "tags" varchar(65535)
);

-- COPY
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.copy","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
COPY "lakemart_staging"
FROM 's3://demo-staging/gharchive/hourly_activity/0000000007-5d0c1b9e6f2a4c38/manifest.json'
IAM_ROLE 'arn:aws:iam::123456789012:role/copy'
FORMAT AS PARQUET
MANIFEST;

-- COPY by a chain of roles
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.copy","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
COPY "lakemart_staging"
FROM 's3://demo-staging/gharchive/hourly_activity/0000000007-5d0c1b9e6f2a4c38/manifest.json'
IAM_ROLE 'arn:aws:iam::123456789012:role/copy,arn:aws:iam::210987654321:role/team/read'
FORMAT AS PARQUET
MANIFEST;

-- COPY by the cluster's default role
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.copy","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
COPY "lakemart_staging"
FROM 's3://demo-staging/gharchive/hourly_activity/0000000007-5d0c1b9e6f2a4c38/manifest.json'
IAM_ROLE default
FORMAT AS PARQUET
MANIFEST;

-- rows copied
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.copy","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT pg_last_copy_count();

-- begin
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
BEGIN;

-- how long the lock is waited for
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SET statement_timeout TO 600000;

-- all the time again
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SET statement_timeout TO DEFAULT;

-- the lock
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
LOCK TABLE "marts"."lakemart_loads";

-- the last load
-- parameters: ('gharchive', 'hourly_activity')
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT "number", "rows" FROM "marts"."lakemart_loads"
WHERE "project" = %s AND "model" = %s ORDER BY "number" DESC LIMIT 1;

-- slices out
-- parameters: ('2015-01-01', '2015-01-02')
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
DELETE FROM "marts"."hourly_activity"
WHERE "event_date" IN (CAST(%s AS date), CAST(%s AS date));

-- slices out, the null slice among them
-- parameters: ('2015-01-01',)
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
DELETE FROM "marts"."hourly_activity"
WHERE "event_date" IN (CAST(%s AS date)) OR "event_date" IS NULL;

-- the null slice out
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
DELETE FROM "marts"."hourly_activity"
WHERE "event_date" IS NULL;

-- everything out
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
DELETE FROM "marts"."hourly_activity";

-- staged rows in
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
INSERT INTO "marts"."hourly_activity" ("event_date", "event_hour", "event_type", "events", "share", "rate", "seen", "heard", "busy", "small")
SELECT "event_date", "event_hour", "event_type", "events", "share", "rate", "seen", "heard", "busy", "small"
FROM "lakemart_staging";

-- staged rows in, super parsed
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
INSERT INTO "marts"."hourly_activity" ("event_date", "event_hour", "event_type", "payload", "tags")
SELECT "event_date", "event_hour", "event_type", JSON_PARSE("payload"), JSON_PARSE("tags")
FROM "lakemart_staging";

-- rows of slices
-- parameters: ('2015-01-01',)
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT COUNT(*) FROM "marts"."hourly_activity"
WHERE "event_date" IN (CAST(%s AS date));

-- rows of all
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT COUNT(*) FROM "marts"."hourly_activity";

-- the load's record
-- parameters: ('gharchive', 'hourly_activity', 7, '["2015-01-01"]', 'hourly_activity', 11, 24, '9f86d081', '20261124t061153-7f3c2a')
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
INSERT INTO "marts"."lakemart_loads" ("project", "model", "number", "slices", "lake_table", "lake_version", "rows", "content_hash", "run", "loaded_at")
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, GETDATE());

-- commit
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.commit","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
COMMIT;

-- rollback
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.replace","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
ROLLBACK;

-- the fingerprint by slice
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.read","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT
  "event_date",
  COUNT(*),
  SUM(STRTOL(LEFT(MD5(COALESCE('=' || TO_CHAR("event_date", 'YYYY-MM-DD'), '-') || '|' || COALESCE('=' || CAST("event_hour" AS varchar(64)), '-') || '|' || COALESCE('=' || "event_type", '-')), 8), 16)),
  COUNT("event_hour"),
  SUM(CAST("event_hour" AS decimal(38,0))),
  MIN("event_hour"),
  MAX("event_hour"),
  COUNT("event_type"),
  COUNT("events"),
  SUM(CAST("events" AS decimal(38,0))),
  MIN("events"),
  MAX("events"),
  COUNT("share"),
  SUM(CAST("share" AS decimal(38,4))),
  MIN("share"),
  MAX("share"),
  COUNT("rate"),
  SUM("rate"),
  MIN("rate"),
  MAX("rate"),
  COUNT("seen"),
  MIN("seen"),
  MAX("seen"),
  COUNT("heard"),
  MIN("heard"),
  MAX("heard"),
  COUNT("busy"),
  SUM(CASE WHEN "busy" THEN 1 ELSE 0 END),
  COUNT("small"),
  SUM(CAST("small" AS decimal(38,0))),
  MIN("small"),
  MAX("small")
FROM "marts"."hourly_activity"
GROUP BY "event_date";

-- the fingerprint of some slices
-- parameters: ('2015-01-01',)
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.read","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT
  "event_date",
  COUNT(*),
  SUM(STRTOL(LEFT(MD5(COALESCE('=' || CAST("share" AS varchar(64)), '-') || '|' || COALESCE('=' || TO_CHAR("seen", 'YYYY-MM-DD HH24:MI:SS.US'), '-') || '|' || COALESCE('=' || TO_CHAR("heard" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '-') || '|' || COALESCE('=' || CASE WHEN "busy" THEN 'true' WHEN NOT "busy" THEN 'false' END, '-')), 8), 16))
FROM "marts"."hourly_activity"
WHERE "event_date" IN (CAST(%s AS date))
GROUP BY "event_date";

-- the fingerprint of all
/* {"app":"lakemart","version":"0.1.0","project":"gharchive","model":"hourly_activity","step":"warehouse.read","run":"20261124t061153-7f3c2a","user":"loader@laptop"} */
SELECT
  COUNT(*),
  SUM(STRTOL(LEFT(MD5(''), 8), 16)),
  COUNT("events"),
  SUM(CAST("events" AS decimal(38,0))),
  MIN("events"),
  MAX("events")
FROM "marts"."hourly_activity";
