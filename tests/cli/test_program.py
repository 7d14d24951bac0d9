import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

import numcnn as package
from numcnn.cli.program import program
from tests.cli.outcome import run_python

COMMANDS = [
    (),
    ("train",),
    ("diagram",),
    ("train-lines",),
    ("compare",),
    ("evaluate",),
    ("explain",),
    ("features",),
    ("predict",),
    ("data",),
    ("data", "list"),
    ("data", "fetch"),
    ("models",),
    ("plan",),
    ("read",),
    ("serve",),
    ("export",),
    ("import",),
    ("verify",),
]

WITHOUT = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
from numcnn.cli import main
main({words!r})
"""

RESULTS = {"model.safetensors", "metrics.json", "history.jsonl", "settings.json"}


def all_commands(group: click.Group, path: tuple[str, ...] = ()):
    yield path
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))
        else:
            yield (*path, name)


def test_the_table_of_this_test_has_every_command():
    assert sorted(all_commands(program)) == sorted(COMMANDS)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_shows_an_example(numcnn, path):
    outcome = numcnn(*path, "--help")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith(" ".join(["Usage: numcnn", *path]))
    _, heading, examples = outcome.out.partition("\n  Example")
    assert heading
    assert "\n    numcnn " in examples
    assert "\\b" not in outcome.out


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_h_is_help(numcnn, path):
    assert numcnn(*path, "-h") == numcnn(*path, "--help")


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_and_command_is_explained(path):
    command: click.Command = program
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_the_version_is_the_packages(numcnn):
    assert numcnn("--version").out == f"numcnn, version {package.__version__}\n"


@pytest.mark.slow
def test_python_runs_the_package(numcnn):
    assert run_python("-m", "numcnn", "data", "list") == numcnn("data", "list")


def test_the_entry_point_is_the_command_line():
    [entry] = entry_points(group="console_scripts", name="numcnn")
    assert entry.value == "numcnn.cli:main"


def test_an_unknown_command_is_refused(numcnn):
    assert "No such command 'trian'" in numcnn("trian").usage_error()


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_unknown_option_is_refused(numcnn, path):
    message = numcnn(*path, "--colour").usage_error()
    assert "No such option" in message
    assert "--colour" in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "--epochs", "0"), "'--epochs': 0 is not in the range x>=1"),
        (("train", "--batch-size", "many"), "'--batch-size': 'many' is not a valid integer range"),
        (("train", "--seed", "-1"), "'--seed': -1 is not in the range x>=0"),
        (("train", "--validation-split", "1"), "'--validation-split': 1.0 is not in the range"),
        (("train", "--size", "28"), "'28' is no size; give height and width, such as 28x28"),
        (("train", "--size", "0x3"), "'0x3' is no size"),
        (("train", "--color", "blue"), "'--color': 'blue' is not one of"),
        (("evaluate", "model.safetensors"), "Missing argument 'MODEL...'"),
        (("evaluate", "m", "mnist", "--part", "all"), "'--part': 'all' is not one of"),
        (("data", "fetch"), "Missing argument 'NAME'"),
        (("train", "mnist", "digits"), "unexpected extra argument"),
    ],
)
def test_an_impossible_option_is_refused(numcnn, words, message):
    assert message in numcnn(*words).usage_error()


@pytest.mark.slow
def test_a_reader_who_has_seen_enough_is_no_error():
    command = [sys.executable, "-m", "numcnn", "data", "list"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /dev/full")
def test_a_full_disk_behind_the_output_is_told_in_one_line():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "numcnn", "data", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "numcnn: output: the disk is full; make room, or choose another place\n"


@pytest.mark.parametrize("name", ["click", "rich"])
def test_the_plain_install_says_what_the_command_line_needs(name):
    assert run_python("-c", WITHOUT.format(name=name, words=["train"])).error() == (
        f"numcnn: the command line needs {name}: pip install 'numcnn[app]'\n"
    )


@pytest.mark.slow
def test_without_a_library_for_the_pictures_the_results_are_there(here):
    outcome = run_python("-c", WITHOUT.format(name="matplotlib", words=["train", "--epochs", "1"]))
    assert outcome.status == 0
    told = [line for line in outcome.err.splitlines() if line.startswith("numcnn: ")]
    assert [line.split()[1].rpartition("/")[2] for line in told] == ["curves.png", "confusion.png"]
    assert all("was not drawn: " in line and "pip install" in line for line in told)
    run = here / "runs/digits-digits-1"
    assert {path.name for path in run.iterdir()} == RESULTS


@pytest.mark.slow
def test_a_broken_package_is_not_called_a_missing_library():
    outcome = run_python("-c", WITHOUT.format(name="numcnn.experiments.run", words=["train"]))
    assert outcome.status == 1
    assert "ModuleNotFoundError" in outcome.err
