"""What a training shows: a bar, lines, or nothing."""

import io
import re
import sys

import pytest
from rich.console import Console

from numcnn.training import EpochRecord, History, Moment, epoch_line
from numcnn.training.progress import ProgressBar, ProgressLines, progress
from tests.training.tasks import Crash, CrashAt, plain, train

RECORD = EpochRecord(
    epoch=3,
    loss=0.5,
    accuracy=0.875,
    learning_rate=0.1,
    seconds=2.0,
    images_per_second=12345.6,
)
JUDGED = EpochRecord(
    epoch=3,
    loss=0.5,
    accuracy=0.875,
    learning_rate=0.1,
    seconds=2.0,
    images_per_second=12345.6,
    validation_loss=0.25,
    validation_accuracy=1.0,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestEpochLine:
    def test_without_validation(self):
        assert epoch_line(RECORD, 10) == (
            "epoch  3/10  loss 0.5000  accuracy  87.50%  12,346 images/s"
        )

    def test_with_validation(self):
        assert epoch_line(JUDGED, 5) == (
            "epoch 3/5  loss 0.5000  accuracy  87.50%"
            "  validation loss 0.2500  accuracy 100.00%  12,346 images/s"
        )


class TestLines:
    def test_are_what_a_pipe_gets(self, capsys):
        train("validation", progress="auto")
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 4
        for epoch, line in enumerate(lines, 1):
            assert re.fullmatch(
                rf"epoch {epoch}/4  loss \d+\.\d{{4}}  accuracy +\d+\.\d\d%"
                r"  validation loss \d+\.\d{4}  accuracy +\d+\.\d\d%"
                r"  [\d,]+ images/s  \d+:\d\d left",
                line,
            )

    def test_go_to_standard_error_and_leave_results_alone(self, capsys):
        train("adam", progress="lines")
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 4

    @pytest.mark.parametrize(
        ("epoch", "seconds", "left"), [(1, 10, "1:30"), (5, 50, "0:50"), (10, 99, "0:00")]
    )
    def test_tell_the_time_left(self, epoch, seconds, left, monkeypatch):
        assert self.shown([], epoch, seconds, monkeypatch).endswith(f"  {left} left\n")

    def test_tell_the_time_left_of_a_resumed_training(self, monkeypatch):
        """Two epochs took 20 s now, the four before do not count: four more take 40 s."""
        line = self.shown([RECORD] * 4, 6, 20, monkeypatch)
        assert line.endswith("  0:40 left\n")

    def shown(self, before, epoch, seconds, monkeypatch):
        clock = iter([1000.0, 1000.0 + seconds])
        monkeypatch.setattr("time.monotonic", lambda: next(clock))
        stream = io.StringIO()
        lines = ProgressLines(stream)
        moment = Moment(plain(), History(before), epochs=10, batches=8)
        lines.train_begin(moment)
        lines.epoch_end(moment, EpochRecord(epoch, 0.5, 0.5, 0.1, 1.0, 1.0))
        return stream.getvalue()


class TestBar:
    @pytest.fixture
    def console(self):
        return Console(
            file=io.StringIO(),
            force_terminal=True,
            width=120,
            height=20,
            color_system=None,
            legacy_windows=False,
        )

    def run(self, console, **settings):
        train("adam", callbacks=[ProgressBar(console)], **settings)
        return console.file.getvalue()

    def test_shows_epoch_loss_speed_and_time(self, console):
        shown = self.run(console)
        assert re.search(
            r"epoch \d/4 .*\d+% loss \d+\.\d{4}  accuracy \d+\.\d\d% [\d,]+ images/s "
            r"[-\d:]+ left",
            shown,
        )

    def test_writes_a_line_for_each_epoch_above_it(self, console):
        shown = self.run(console)
        for epoch in range(1, 5):
            assert re.search(
                rf"epoch {epoch}/4  loss \d\.\d+  accuracy +\d+.\d+%  [\d,]+ images/s", shown
            )

    def test_counts_all_batches_of_all_epochs(self, console):
        bar = ProgressBar(console)
        moment = Moment(plain(), History(), epochs=4, batches=10)
        bar.train_begin(moment)
        moment.epoch, moment.batch = 3, 5
        bar.batch_end(moment)
        bar._progress.refresh()
        bar.train_end(moment)
        assert "62%" in console.file.getvalue()

    def test_of_a_resumed_training_starts_where_it_stopped(self, console, tmp_path):
        with pytest.raises(Crash):
            train("adam", checkpoint=tmp_path / "c", callbacks=[CrashAt(4)])
        shown = self.run(console, checkpoint=tmp_path / "c", resume=True)
        assert "epoch 4/4" in shown
        assert not re.search(r"epoch [123]/4", shown)
        assert " 75%" in shown

    def test_is_taken_away_at_the_end(self, console):
        bar = ProgressBar(console)
        train("adam", callbacks=[bar])
        assert not bar._progress.live.is_started

    def test_is_taken_away_after_an_error(self, console):
        bar = ProgressBar(console)
        with pytest.raises(Crash):
            train("adam", callbacks=[bar, CrashAt(2)])
        assert not bar._progress.live.is_started

    def test_that_never_began_can_end(self, console):
        ProgressBar(console).train_end(Moment(plain(), History(), 1, 1))
        assert console.file.getvalue() == ""


class TestTheChoice:
    @pytest.mark.parametrize(
        ("kind", "stream", "shown"),
        [
            ("auto", Terminal(), ProgressBar),
            ("auto", io.StringIO(), ProgressLines),
            ("bar", Terminal(), ProgressBar),
            ("bar", io.StringIO(), ProgressBar),
            ("lines", Terminal(), ProgressLines),
            ("lines", io.StringIO(), ProgressLines),
            ("none", Terminal(), type(None)),
            ("none", io.StringIO(), type(None)),
        ],
    )
    def test_is_made_by_kind_and_stream(self, kind, stream, shown, monkeypatch):
        monkeypatch.setenv("TERM", "xterm")
        assert type(progress(kind, stream)) is shown

    def test_a_dumb_terminal_gets_lines(self, monkeypatch):
        monkeypatch.setenv("TERM", "dumb")
        assert type(progress("auto", Terminal())) is ProgressLines

    def test_of_an_unknown_kind_is_an_error_that_says_the_known_ones(self):
        with pytest.raises(ValueError, match='choose "auto", "bar", "lines" or "none"'):
            progress("loud", Terminal())

    def test_of_an_unknown_kind_is_an_error_in_a_pipe_too(self):
        with pytest.raises(ValueError, match="progress is 'loud'"):
            progress("loud", io.StringIO())

    def test_none_is_silent(self, capsys):
        train("validation", progress="none")
        captured = capsys.readouterr()
        assert captured.out == captured.err == ""


class TestWithoutRich:
    @pytest.fixture(autouse=True)
    def no_rich(self, monkeypatch):
        for module in ("rich", "rich.console", "rich.progress"):
            monkeypatch.setitem(sys.modules, module, None)

    def test_a_terminal_gets_lines(self):
        assert type(progress("auto", Terminal())) is ProgressLines

    def test_a_bar_is_an_error_with_a_remedy(self):
        with pytest.raises(ValueError, match=r'needs Rich: pip install "numcnn\[app\]"'):
            progress("bar", Terminal())

    def test_a_training_shows_lines(self, monkeypatch):
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        train("adam", progress="auto")
        assert stream.getvalue().count("left\n") == 4


class WriteOnly:
    def __init__(self):
        self.written = ""

    def write(self, text):
        self.written += text


class Failing(io.StringIO):
    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


class TestAnOddStream:
    @pytest.mark.parametrize("kind", ["auto", "lines", "bar"])
    @pytest.mark.parametrize("stream", [None, object(), WriteOnly(), Failing(), closed()])
    def test_costs_no_training(self, kind, stream, monkeypatch):
        monkeypatch.setattr(sys, "stderr", stream)
        _, history = train("adam", progress=kind)
        assert len(history) == 4

    def test_with_write_alone_gets_the_lines(self, monkeypatch):
        stream = WriteOnly()
        monkeypatch.setattr(sys, "stderr", stream)
        train("adam", progress="auto")
        assert stream.written.count("left\n") == 4
