import pytest

from numcnn.web.settings import Limits


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan"), "5", True])
def test_a_limit_is_a_number_above_0(value):
    with pytest.raises(ValueError, match=r"max_concurrency is .*; give a number above 0"):
        Limits(max_concurrency=value)


def test_a_share_is_at_most_1():
    with pytest.raises(
        ValueError, match=r"max_client_share is 1\.5; give a number above 0 and at most 1"
    ):
        Limits(max_client_share=1.5)
