"""`course collect`: from what a learning platform gives to submitted/, any number of times.

`archives` reads zip files and folders, which are hostile input; `platforms` tells whose a file is by the
names that Canvas, Moodle and people give; `people` finds that person in the class; `handed_in` reads lists of
times; `ledger` remembers what came; `staging` writes one submission apart; `collecting` decides what is new,
what has changed, and what is kept because somebody corrected it.
"""
