"""Throughline from the command line: `python run.py --help`. Without a command it runs."""

from commands import main

if __name__ == "__main__":
    main()
