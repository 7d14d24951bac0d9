import xml.etree.ElementTree as ET


def test_a_model_file_and_a_recipe_are_drawn(numcnn, model, here):
    assert numcnn("diagram", model, "-o", "made/net.svg").status == 0
    ET.parse(here / "made" / "net.svg")
    done = numcnn("diagram", "lenet5", "-o", "lenet5.svg")
    assert done.out == "lenet5.svg: 61,706 parameters\n"


def test_bad_input_is_told_in_one_line(numcnn, model):
    assert "ends with .svg" in numcnn("diagram", model, "-o", "net.png").error()
    assert "28x28x1" in numcnn("diagram", "lenet5", "--input-shape", "28", "-o", "a.svg").error()
    assert "no such file" in numcnn("diagram", "nothing", "-o", "a.svg").error()
