"""Tidegate from the command line: `python run.py --help`. Without a command it runs."""

from tidegate.cli import main

if __name__ == "__main__":
    main(prog_name="python run.py")
