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

# %% [markdown] id="title-es" tags=["lang-es"]
# # Laboratorio 0: del azar a una muestra
#
# Un generador es una función que convierte azar en datos. Aquí escribes sus dos mitades: el azar y la red. El código da 8
# puntos; la pregunta del final, 2.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 0: from chance to a sample
#
# A generator is a function that makes data out of chance. Here you write its two halves: chance, and the network. The code
# gives 8 marks; the question at the end, 2.

# %% id="setup"
import torch
from torch import nn

from autograder import open_lab
from course.device import get_device

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab0_example", language="es", device=device)

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab0_example", language="en", device=device)

# %% [markdown] id="identity-text-es" tags=["lang-es"]
# Escribe tu identificación y tu nombre como firma. Si entregan dos personas, completen también el segundo par.

# %% [markdown] id="identity-text-en" tags=["lang-en"]
# Write your student id and your name as a signature. If two of you hand in together, complete the second pair too.

# %% id="identity" nbgrader={"grade": false, "grade_id": "identity", "locked": false, "schema_version": 3, "solution": true, "task": false}
student_id_1 = ""
signature_1 = ""
student_id_2 = ""
signature_2 = ""
### BEGIN SOLUTION
student_id_1 = "00000"
signature_1 = "Solución de referencia"  # es
signature_1 = "Reference solution"  # en
### END SOLUTION

# %% id="identity_check" nbgrader={"grade": true, "grade_id": "identity_check", "locked": true, "points": 0, "schema_version": 3, "solution": false, "task": false}
with lab.marks("identity", points=0) as checks:
    checks.identity(student_id_1, signature_1, student_id_2, signature_2)
checks.score

# %% [markdown] id="latent-text-es" tags=["lang-es"]
# ## 1. El azar (3 puntos)
#
# `latent(n)` devuelve `n` vectores latentes de dos números, de la distribución normal estándar: `torch.randn`.

# %% [markdown] id="latent-text-en" tags=["lang-en"]
# ## 1. Chance (3 marks)
#
# `latent(n)` returns `n` latent vectors of two numbers from the standard normal distribution: `torch.randn`.

# %% id="latent" nbgrader={"grade": false, "grade_id": "latent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def latent(n):
    """es: Vectores latentes: (n, 2)."""
    """en: Latent vectors: (n, 2)."""
    ### BEGIN SOLUTION
    return torch.randn(n, 2)
    ### END SOLUTION

# %% id="latent_check" nbgrader={"grade": true, "grade_id": "latent_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
with lab.marks("latent", points=3) as checks:
    checks.fingerprint("latent.values", latent, lab.supplied_size("n"), shape=("n", 2), points=3)
checks.score

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ## 2. La red (5 puntos)
#
# Una capa oculta de 8 neuronas con ReLU y una salida lineal: `(n, 2)` -> `(n, 1)`.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ## 2. The network (5 marks)
#
# One hidden layer of 8 units with ReLU, and a linear output: `(n, 2)` -> `(n, 1)`.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Un número por vector latente: (n, 2) -> (n, 1)."""
    """en: One number per latent vector: (n, 2) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z)
        ### END SOLUTION

# %% id="generator_check" nbgrader={"grade": true, "grade_id": "generator_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator", points=5) as checks:
    checks.network_structure(
        "generator.structure", Generator, input_shape=(2,), output_shape=(1,), parameters=33, points=2
    )
    checks.network_output("generator.output", Generator, input_shape=(2,), points=3)
checks.score

# %% [markdown] id="look-text-es" tags=["lang-es"]
# Una celda libre, sin puntos. Diez muestras de un generador sin entrenar:

# %% [markdown] id="look-text-en" tags=["lang-en"]
# A free cell, without marks. Ten samples of an untrained generator:

# %% id="look" tags=["raises-exception"]
with torch.no_grad():
    print(Generator()(latent(10)).flatten())

# %% [markdown] id="question-text-es" tags=["lang-es"]
# **Pregunta 1 (2 puntos).** ¿De dónde sale la variedad de las muestras?

# %% [markdown] id="question-text-en" tags=["lang-en"]
# **Question 1 (2 marks).** Where does the variety of the samples come from?

# %% [markdown] id="question" nbgrader={"grade": true, "grade_id": "question", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Del vector latente: la red es una función fija, y cada vector al azar da otra muestra.
# ### END SOLUTION

# %% id="summary"
lab.summary()
