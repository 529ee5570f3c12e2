"""Object stores behind one small protocol: S3 through boto3, and a local folder. No meaning of the objects lives here."""
