"""What is checked, a module per kind of object: tensors, networks, training steps, experiments, and so on.

Functions here run a student's code inside a replay and return numbers, or raise `CheckFailed` with the
message for the student; they know neither marks nor keys. Classes called `…Checks` are groups of checks that
share trials of one object; they give names and marks of each to their block, which has them judged.
"""
