"""Takes code snapshots: which files of a folder belong to one, and what git says of them."""
