"""``python -m equigrid`` is the command ``equigrid``."""

from equigrid.experiments.cli import main

if __name__ == "__main__":
    main()
