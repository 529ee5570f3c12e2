"""lakemart: raw JSON in S3 to a Delta lake to Redshift marts, with books that balance."""
