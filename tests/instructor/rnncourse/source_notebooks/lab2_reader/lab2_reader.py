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
# # Lire

# %% [markdown] id="title-de" tags=["lang-de"]
# # Lesen

# %% id="setup"
import torch
from torch import nn

from autograder import open_lab

VOCABULARY = 11

# %% id="open-lab-fr" tags=["lang-fr"]
lab = open_lab("lab2_reader", language="fr")

# %% id="open-lab-de" tags=["lang-de"]
lab = open_lab("lab2_reader", language="de")

# %% id="identity" nbgrader={"grade": false, "grade_id": "identity", "locked": false, "schema_version": 3, "solution": true, "task": false}
student_id_1 = ""
signature_1 = ""
### BEGIN SOLUTION
student_id_1 = "00000"
signature_1 = "Solution de référence"  # fr
signature_1 = "Musterlösung"  # de
### END SOLUTION

# %% id="identity_check" nbgrader={"grade": true, "grade_id": "identity_check", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
with lab.marks("identity", points=0) as checks:
    checks.identity(student_id_1, signature_1)
checks.score


# %% id="reader" nbgrader={"grade": false, "grade_id": "reader", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Reader(nn.Module):
    """fr: Un nombre par phrase, complétée par des zéros : (n, mots) -> (n, 1)."""
    """de: Eine Zahl je Satz, mit Nullen aufgefüllt: (n, Wörter) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.embedding = nn.Embedding(VOCABULARY, 4, padding_idx=0)
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.output = nn.Linear(5, 1)
        ### END SOLUTION

    def forward(self, ids):
        ### BEGIN SOLUTION
        states, _ = self.lstm(self.embedding(ids))
        last = (ids != 0).sum(dim=1) - 1
        return self.output(states[torch.arange(len(ids)), last])
        ### END SOLUTION


# %% id="reader_check" nbgrader={"grade": true, "grade_id": "reader_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("reader", points=6) as checks:
    checks.network_output("reader.output", Reader, inputs=[lab.supplied_tokens((6, 7), VOCABULARY, first=1)], points=2)
    checks.network_output("reader.sentences", Reader, inputs=[lab.supplied_sentences(VOCABULARY)], points=1)
    checks.padding_invariance("reader.padding", Reader, vocabulary=VOCABULARY, points=3)
checks.score


# %% id="step" nbgrader={"grade": false, "grade_id": "step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def step(network, optimizer, loss_function, inputs, targets):
    """fr: Un pas d'apprentissage ; renvoie la perte."""
    """de: Ein Trainingsschritt; gibt den Verlust zurück."""
    ### BEGIN SOLUTION
    optimizer.zero_grad()
    loss = loss_function(network(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %% id="step_check" nbgrader={"grade": true, "grade_id": "step_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("step", points=4) as checks:
    training = checks.training_step(step, input_shape=(3,), outputs=2)
    training.loss("step.loss", points=1)
    training.update("step.update", points=2)
    training.zero_grad("step.zero_grad", points=1)
checks.score
