"""S3 as COPY and UNLOAD may reach it: roles with prefixes, objects, manifests."""
