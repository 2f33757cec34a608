"""The one door to S3: whole objects with checksums, conditional writes, ranged reads."""
