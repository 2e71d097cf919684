"""`argosy`, and `python -m argosy`."""

from argosy.cli import main

if __name__ == "__main__":
    main()
