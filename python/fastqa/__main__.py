"""`python -m fastqa` is the command `fastqa`."""

from fastqa.cli import run

if __name__ == "__main__":
    run()
