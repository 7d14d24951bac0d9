import ast
from pathlib import Path

import numcnn
from numcnn.handwriting.class_names import CLASS_NAMES, OTHER, SEVERAL
from numcnn.handwriting.reader import Reader

PACKAGE = Path(numcnn.__file__).parent


def test_the_shipped_model_has_these_classes():
    assert sorted(Reader().model_file.classes) == sorted(CLASS_NAMES)


def test_the_names_of_the_classes_that_are_no_digit_stand_in_one_place():
    files = [
        file
        for room in ("handwriting", "recipes", "cli", "experiments")
        for file in sorted((PACKAGE / room).rglob("*.py"))
        if any(
            isinstance(node, ast.Constant) and node.value in (OTHER, SEVERAL)
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
        )
    ]
    assert [file.name for file in files] == ["class_names.py"]
