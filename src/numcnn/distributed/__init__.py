"""Ranks: one training on several processes, over MPI, with the bits of a single one."""

from numcnn.distributed.passes import RankPasses, rank_passes
from numcnn.distributed.ranks import Ranks, is_first, is_launched, ranks

__all__ = ["RankPasses", "Ranks", "is_first", "is_launched", "rank_passes", "ranks"]
