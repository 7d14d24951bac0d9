"""Programs that give numcnn damaged input, many times; they are run by hand, not with the tests."""
