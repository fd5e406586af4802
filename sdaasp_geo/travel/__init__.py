"""Stage 3: minutes between places, each with its method and, where there is none, its reason."""
