"""``numcnn verify``."""

import click

from numcnn.cli import options
from numcnn.cli.exit_status import DIFFERENT
from numcnn.experiments.verification import Fingerprints, record


@click.command(
    epilog="""\b
Examples:
  numcnn verify
  numcnn verify --json
"""
)
@options.as_json
def verify(as_json: bool) -> int:
    """Check that this machine trains to the same weights as all others, to the last bit.

    Trains the small digits with --engine exact, in about half a minute, and compares the SHA-256
    of the weights with the one that is promised (docs/exact.md). If it is another one, says in
    which step, layer and operation the bits began to differ, and ends with status 1.
    """
    expected = Fingerprints.load()
    found = record(progress="none" if as_json else "auto")
    difference = expected.difference(found)
    if as_json:
        options.echo_json(
            {
                "same": difference is None,
                "sha256": found.sha256,
                "expected": expected.sha256,
                "difference": difference,
            }
        )
    elif difference is None:
        click.echo(f"the same as everywhere: {found.sha256}")
    else:
        click.echo(
            f"not the same as elsewhere: {found.sha256}\n"
            f"                 expected: {expected.sha256}\n{difference}"
        )
    return 0 if difference is None else DIFFERENT
