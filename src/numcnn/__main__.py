"""``python -m numcnn``: the command line."""

from numcnn.cli import main

main()
