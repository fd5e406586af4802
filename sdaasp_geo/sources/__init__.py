"""Stage 1: read. The only code that knows providers' columns, files and encodings."""
