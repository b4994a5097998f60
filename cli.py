"""Launcher of a checkout: `python cli.py train …` is `gen train …` without installing gen. The wheel leaves it out."""

from gen.cli import main

if __name__ == "__main__":
    main()
