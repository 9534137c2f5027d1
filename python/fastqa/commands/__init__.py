"""One module for each subcommand of `fastqa`."""
