# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown] id="title-fr" tags=["lang-fr"]
# # Des suites

# %% [markdown] id="title-de" tags=["lang-de"]
# # Folgen

# %% id="setup"
import torch
from rnncourse.sizes import HIDDEN

from autograder import open_lab

lab = open_lab("lab1_sequences", language="fr")  # fr
lab = open_lab("lab1_sequences", language="de")  # de

# %% id="identity" nbgrader={"grade": false, "grade_id": "identity", "locked": false, "schema_version": 3, "solution": true, "task": false}
student_id_1 = ""
signature_1 = ""
student_id_2 = ""
signature_2 = ""
### BEGIN SOLUTION
student_id_1 = "00000"
signature_1 = "Solution de référence"  # fr
signature_1 = "Musterlösung"  # de
### END SOLUTION

# %% id="identity_check" nbgrader={"grade": true, "grade_id": "identity_check", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
with lab.marks("identity", points=0) as checks:
    checks.identity(student_id_1, signature_1, student_id_2, signature_2)
checks.score


# %% id="sequences" nbgrader={"grade": false, "grade_id": "sequences", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sequences(n):
    """fr: Des suites normales : (n, 3, HIDDEN)."""
    """de: Normalverteilte Folgen: (n, 3, HIDDEN)."""
    ### BEGIN SOLUTION
    return torch.randn(n, 3, HIDDEN)
    ### END SOLUTION


# %% id="sequences_check" nbgrader={"grade": true, "grade_id": "sequences_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("sequences", points=4) as checks:
    checks.fingerprint("sequences.values", sequences, lab.supplied_size("n"), shape=("n", 3, 5), points=4)
checks.score
