"""Stage 5: what people open. Maps, annexes, tables, layers, manifest and index."""
