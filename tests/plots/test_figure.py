import doctest
import os
import subprocess
import sys
import threading
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import numcnn.plots
from numcnn.plots import confusion_matrix_figure, filter_grid, learning_curves, save
from numcnn.plots import figure as figure_module
from numcnn.plots.figure import blank_figure, percent, place_axes

pytestmark = pytest.mark.slow

SIGNATURES = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


def example() -> Figure:
    return filter_grid(np.linspace(-1, 1, 18).reshape(3, 3, 1, 2), name="conv1")


def test_every_plot_is_exported():
    assert set(numcnn.plots.__all__) == {
        "FindingPanel",
        "comparison_figure",
        "confusion_matrix_figure",
        "explanation",
        "feature_maps",
        "filter_grid",
        "learning_curves",
        "mistakes",
        "prediction_page",
        "save",
    }
    assert all(callable(getattr(numcnn.plots, name)) for name in numcnn.plots.__all__)


@pytest.mark.parametrize("suffix", SIGNATURES)
def test_save_writes_the_format_of_the_suffix(tmp_path: Path, suffix: str):
    path = tmp_path / "new folder" / f"picture{suffix}"
    save(example(), path)
    assert path.read_bytes().startswith(SIGNATURES[suffix])
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_save_understands_an_upper_case_suffix(tmp_path: Path):
    save(example(), tmp_path / "PICTURE.PNG")
    assert (tmp_path / "PICTURE.PNG").read_bytes().startswith(SIGNATURES[".png"])


@pytest.mark.parametrize("suffix", SIGNATURES)
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, suffix: str):
    figure = example()
    save(figure, tmp_path / f"a{suffix}")
    save(figure, tmp_path / f"b{suffix}")
    save(example(), tmp_path / f"c{suffix}")
    first = (tmp_path / f"a{suffix}").read_bytes()
    assert (tmp_path / f"b{suffix}").read_bytes() == first
    assert (tmp_path / f"c{suffix}").read_bytes() == first


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_another_time_and_hash_seed_give_the_same_bytes(tmp_path: Path, suffix: str):
    code = (
        "import sys, numpy as np; from numcnn.plots import filter_grid, save; "
        "weights = np.linspace(-1, 1, 18).reshape(3, 3, 1, 2); "
        "save(filter_grid(weights, name='conv1'), sys.argv[1])"
    )
    save(example(), tmp_path / f"here{suffix}")
    there = tmp_path / f"there{suffix}"
    environment = os.environ | {"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1000000000"}
    subprocess.run([sys.executable, "-c", code, str(there)], check=True, env=environment)
    assert there.read_bytes() == (tmp_path / f"here{suffix}").read_bytes()


def test_dpi_sets_the_number_of_pixels(tmp_path: Path):
    figure = blank_figure(2, 1)
    save(figure, tmp_path / "small.png", dpi=50)
    header = (tmp_path / "small.png").read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (100, 50)


def test_a_failed_save_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def fail(self: Figure, file: Path, **_: object) -> None:
        Path(file).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="disk full"):
        save(example(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["picture", "picture.jpg", "picture.png.txt"])
def test_save_refuses_other_suffixes(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match=rf"path is .*{name}.*\.png, \.svg or \.pdf"):
        save(example(), tmp_path / name)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("dpi", [0, -1, float("nan"), float("inf")])
def test_save_refuses_an_impossible_dpi(tmp_path: Path, dpi: float):
    with pytest.raises(ValueError, match=r"dpi is .* positive"):
        save(example(), tmp_path / "picture.png", dpi=dpi)


def test_nothing_global_changes(tmp_path: Path):
    before = dict(mpl.rcParams)
    save(example(), tmp_path / "picture.svg")
    save(learning_curves([{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]), tmp_path / "curves.png")
    assert dict(mpl.rcParams) == before


def test_plots_need_no_pyplot():
    code = "import sys, numcnn.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_dark_style_of_the_user_changes_no_color(tmp_path: Path):
    save(confusion_matrix_figure([[3, 1], [0, 4]], ["a", "b"]), tmp_path / "light.png")
    dark = {"text.color": "white", "axes.facecolor": "black", "savefig.facecolor": "black"}
    dark |= {"axes.edgecolor": "white", "axes.labelcolor": "white", "figure.facecolor": "black"}
    with mpl.rc_context(dark):
        save(confusion_matrix_figure([[3, 1], [0, 4]], ["a", "b"]), tmp_path / "dark.png")
    assert (tmp_path / "light.png").read_bytes() == (tmp_path / "dark.png").read_bytes()


def test_threads_draw_at_once(tmp_path: Path):
    save(example(), tmp_path / "alone.svg")

    def draw(number: int) -> None:
        save(example(), tmp_path / f"{number}.svg")

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = (tmp_path / "alone.svg").read_bytes()
    assert all((tmp_path / f"{number}.svg").read_bytes() == expected for number in range(4))


def test_without_matplotlib_the_error_names_the_remedy():
    code = "import sys; sys.modules['matplotlib'] = None; import numcnn.plots"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'numcnn[app]'" in done.stderr.splitlines()[-1]


def test_place_axes_measures_inches_from_the_top_left():
    figure = blank_figure(4, 2)
    axes = place_axes(figure, left=1, top=0.5, width=2, height=1)
    assert axes.get_position().bounds == pytest.approx((0.25, 0.25, 0.5, 0.5))


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.0, 1, "0%"),
        (1.0, 1, "100%"),
        (0.5, 1, "50.0%"),
        (0.9996, 1, ">99.9%"),
        (0.9994, 1, "99.9%"),
        (0.0004, 1, "<0.1%"),
        (0.99999, 2, ">99.99%"),
        (0.9876, 2, "98.76%"),
    ],
)
def test_percent_never_rounds_to_all_or_nothing(share: float, digits: int, text: str):
    assert percent(share, digits) == text


def test_docstring_examples():
    assert doctest.testmod(figure_module).failed == 0
