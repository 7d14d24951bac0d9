"""Tables as Kaggle's Digit Recognizer has them, gzipped where the name says so."""

import gzip
from pathlib import Path

from numcnn.data import Dataset


def write_table(path: Path, dataset: Dataset, *, labeled: bool = True) -> Path:
    rows = dataset.images.reshape(len(dataset), -1).tolist()
    columns = [f"pixel{number}" for number in range(len(rows[0]))]
    if labeled:
        assert dataset.labels is not None
        columns = ["label", *columns]
        rows = [[label, *row] for label, row in zip(dataset.labels.tolist(), rows, strict=True)]
    text = "\n".join(",".join(map(str, row)) for row in (columns, *rows)) + "\n"
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
