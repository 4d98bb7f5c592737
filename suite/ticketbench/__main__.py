"""`python -m ticketbench`: the command line of the interpreter at hand, whatever is on the path."""

from ticketbench.cli import main

if __name__ == "__main__":
    main()
