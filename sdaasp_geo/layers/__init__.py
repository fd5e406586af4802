"""Stage 2: domain tables and their contracts. Pure functions: tables in, tables out."""
