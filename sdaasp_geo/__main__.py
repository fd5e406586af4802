"""Run the command line as ``python -m sdaasp_geo``, for a program that knows the interpreter only."""

from sdaasp_geo.cli import main

if __name__ == "__main__":
    main()
