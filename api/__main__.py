"""The command line as a module: `python -m api …`, for launchers that start several processes of it."""

from api.cli import main

if __name__ == "__main__":
    main()
