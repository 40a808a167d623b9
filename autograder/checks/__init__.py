"""Families of checks for any course, a module per kind of object: tensors, networks, training, identity.

`base` runs a check, `calling` calls a student's code, `supplied` makes what is lent to it, `family` finds the
families that other packages bring. Functions in the families run a student's code inside a replay and return
numbers, or raise `CheckFailed` with the message for the student; they know neither marks nor keys.
"""
