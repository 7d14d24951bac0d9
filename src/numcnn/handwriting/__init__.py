"""Handwriting: from a picture to the digits that are written in it.

- `vision` finds regions of ink in a picture and brings each into MNIST's frame;
- `synthesis` makes images by programs, for the network to learn from;
- `reader` puts both together with a network: a picture in, what is written there out;
- `evaluation` generates pictures of handwriting and scores a reader on them.

They share MNIST's frame (`frame`) and the class names (`class_names`).
"""
