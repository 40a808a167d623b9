"""A fork server: a process that has imported what its children need, and forks one for each connection.

Two of them serve grading. One forks kernels, which run students' code and confine themselves before
(`autograder.instructor.kernels`). The other one forks trusted children, which work on what students wrote:
one child per submission, with limits, so that nothing handed in can hold up or take down the others
(`autograder.instructor.forkserver.tasks`).

A request and its answer share a connection of their own, so no answer can be taken for another's; and a
child ends when its connection does, so none outlives whoever asked for it.
"""
