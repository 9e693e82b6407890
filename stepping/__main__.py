"""``python -m stepping`` is the command `stepping`."""

from stepping.cli import main

if __name__ == "__main__":
    main(prog_name="stepping")
