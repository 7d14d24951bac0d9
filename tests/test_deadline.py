"""The deadline: kept by the work itself, in its own context."""

import contextvars
import math
import threading

import pytest

from numcnn.handwriting.vision import DeadlineExceeded, check_deadline, deadline


def test_without_a_deadline_nothing_happens():
    check_deadline()


def test_a_deadline_that_has_passed_stops_the_work_and_says_how_long_it_was():
    with deadline(0), pytest.raises(DeadlineExceeded, match="after 0 s"):
        check_deadline()
    check_deadline()


def test_a_deadline_to_come_does_not():
    with deadline(600):
        check_deadline()
    with deadline(math.inf):
        check_deadline()


@pytest.mark.parametrize(("outer", "inner"), [(0, 600), (600, 0), (0, math.inf)])
def test_of_two_deadlines_the_earlier_one_holds(outer, inner):
    with deadline(outer), deadline(inner), pytest.raises(DeadlineExceeded):
        check_deadline()


def test_the_outer_deadline_is_back_after_the_inner_one():
    with deadline(600):
        with deadline(0), pytest.raises(DeadlineExceeded):
            check_deadline()
        check_deadline()


def test_an_error_inside_takes_the_deadline_away_too():
    with pytest.raises(KeyError), deadline(0):
        raise KeyError("inside")
    check_deadline()


def test_another_thread_has_no_deadline_unless_it_is_given_the_context():
    raised = []

    def work():
        try:
            check_deadline()
        except DeadlineExceeded:
            raised.append(threading.current_thread().name)

    with deadline(0):
        context = contextvars.copy_context()
        threads = [
            threading.Thread(target=work, name="alone"),
            threading.Thread(target=context.run, args=(work,), name="with the context"),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert raised == ["with the context"]


@pytest.mark.parametrize("seconds", [-1, math.nan])
def test_what_is_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="seconds is"), deadline(seconds):
        pass


def test_it_is_no_value_error():
    assert not issubclass(DeadlineExceeded, ValueError | OSError)
