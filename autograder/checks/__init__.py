"""What is checked, by kind of object: tensors, texts, networks, training of GANs, who hands in.

Functions here run a student's code inside a replay and return numbers, or raise `CheckFailed` with the
message for the student. They know neither marks nor keys: `autograder.block` adds these.
"""
