from numcnn.web.client_shares import ClientShares


def test_a_client_gets_its_share_and_others_the_rest():
    quota = ClientShares(4, client_share=0.5)
    quota.acquire("a", 2)
    assert not quota.allows("a")
    assert quota.allows("b", 2)
    assert not quota.allows("b", 3)
    quota.acquire("b", 2)
    assert quota.is_exhausted
    quota.release("a")
    assert (quota.used, quota.is_exhausted) == (3, False)
    assert quota.allows("a")


def test_the_smallest_share_is_one_unit():
    quota = ClientShares(3, client_share=0.1)
    assert quota.allows("a")
    quota.acquire("a")
    assert not quota.allows("a")


def test_without_a_client_only_the_total_counts():
    quota = ClientShares(3, client_share=0.4)
    assert quota.allows(None, 3)
    quota.acquire(None, 3)
    assert quota.is_exhausted
    assert not quota.allows(None)
    quota.release(None, 3)
    assert quota.used == 0


def test_a_client_that_uses_nothing_is_forgotten():
    quota = ClientShares(3, client_share=1)
    for client in "abc":
        quota.acquire(client)
        quota.release(client)
    assert not quota._by_client
