"""Tidegate as a module: `python -m tidegate --help`. Without a command it runs."""

from tidegate.cli import main

if __name__ == "__main__":
    main()
