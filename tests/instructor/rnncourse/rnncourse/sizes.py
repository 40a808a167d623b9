"""How large things are in the labs."""

HIDDEN = 5
