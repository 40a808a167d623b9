"""Kernels that run what students wrote: isolated, limited, and warm where speed matters.

`sandbox` says what a kernel may see, `users` whom it runs as, `cgroups` what the system counts it by;
`provisioners` start kernels that way for anything that speaks Jupyter, `execution` runs a notebook in one,
`watchdog` ends what no limit of the system ends.
"""
