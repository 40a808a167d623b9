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
# # Laboratorio 1: una GAN que aprende la curva seno
#
# Vas a construir tu primera **red generativa adversaria** (GAN): dos redes pequeñas que compiten hasta que una
# de ellas dibuja puntos que parecen salidos de la curva seno. Todo corre en la CPU de una laptop en
# un par de minutos y no descarga nada.
#
# Al terminar sabrás explicar qué es un modelo generativo, escribir los dos pasos de entrenamiento de una
# GAN y juzgar el resultado con cifras, no solo a ojo.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se vio y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 1: a GAN that learns the sine curve
#
# You are going to build your first **generative adversarial network** (GAN): two small networks that compete until
# one of them draws points that seem to come from the sine curve. Everything runs on a laptop CPU in a couple
# of minutes and downloads nothing.
#
# By the end you will be able to explain what a generative model is, to write the two training steps of a
# GAN, and to judge the result by figures, not only by eye.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions at the end, 30.

# %% [markdown] id="setup-text-es" tags=["lang-es"]
# ## Preparación
#
# La siguiente celda carga las bibliotecas y elige el dispositivo: la GPU si hay una, si no la CPU. Los puntos
# son los mismos en ambas.

# %% [markdown] id="setup-text-en" tags=["lang-en"]
# ## Set-up
#
# The next cell loads the libraries and chooses the device: the GPU if there is one, else the CPU. The marks are
# the same on both.

# %% id="setup"
import math

import torch
from torch import nn
from torch.utils.data import DataLoader

from autograder import column, open_lab
from course.budget import budget
from course.data import sine_points
from course.device import describe_device, get_device
from course.metrics import sine_quality
from course.plots import GifRecorder, gan_diagram, loss_curves, scatter
from course.training import LossHistory, progress

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab1_sine_gan", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab1_sine_gan", language="en", device=device)
print(describe_device(device))

# %% [markdown] id="identity-text-es" tags=["lang-es"]
# ## Quién entrega
#
# Escribe tu identificación y tu nombre como firma: con ella declaras que el trabajo es
# propio. Si entregan dos personas, completen también el segundo par; si trabajas a solas, déjalo vacío.

# %% [markdown] id="identity-text-en" tags=["lang-en"]
# ## Who hands in
#
# Write your student id and your name as a signature: with it you declare that the work is
# your own. If two of you hand in together, complete the second pair too; if you work alone, leave it empty.

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

# %% [markdown] id="ideas-models-es" tags=["lang-es"]
# ## 1. Dos clases de modelos
#
# Un **modelo discriminativo** responde preguntas sobre un dato que ya existe: ¿qué dígito hay en esta imagen? Aprende
# la probabilidad $P(y \mid x)$ de una etiqueta $y$ dado un dato $x$; en el fondo, una frontera entre clases.
#
# Un **modelo generativo** aprende cómo son los datos mismos, $P(x)$, y por eso puede producir datos nuevos. No necesita
# etiquetas. ¿De dónde sale la variedad? Del azar: se toma un vector $z$ al azar de un **espacio latente**, por ejemplo
# $z \sim \mathcal{N}(0, I)$, y una red lo transforma en un dato. Cada $z$ da una muestra distinta.
#
# Nuestros datos son puntos del plano, $(x_1, x_2)$ con $x_2 = \sin x_1$ y $x_1$ entre $0$ y $2\pi$. Así se ven mil de ellos:

# %% [markdown] id="ideas-models-en" tags=["lang-en"]
# ## 1. Two kinds of models
#
# A **discriminative model** answers questions about something that exists already: which digit is in this picture?
# It learns the probability $P(y \mid x)$ of a label $y$ given a sample $x$; at heart, a border between classes.
#
# A **generative model** learns what the data themselves are like, $P(x)$, and so can produce new data. It needs no
# labels. Where does the variety come from? From chance: a random vector $z$ is drawn from a **latent space**, for example
# $z \sim \mathcal{N}(0, I)$, and a network turns it into a sample. Every $z$ gives another one.
#
# Our data are points of the plane, $(x_1, x_2)$ with $x_2 = \sin x_1$ and $x_1$ between $0$ and $2\pi$. A thousand of them look like this:

# %% id="plot-real"
real_points = sine_points(1000)  # (1000, 2)
title = "Datos reales: la curva seno"  # es
title = "Real data: the sine curve"  # en
scatter(real_points, title=title)

# %% [markdown] id="ideas-game-es" tags=["lang-es"]
# ## 2. El juego
#
# Una GAN (Goodfellow et al., 2014) enfrenta a dos redes:
#
# - el **generador** $G$ convierte vectores latentes $z$ en muestras $G(z)$;
# - el **discriminador** $D$ recibe una muestra y da la probabilidad, entre 0 y 1, de que sea real.
#
# $D$ quiere decir 1 a lo real y 0 a lo generado; $G$ quiere que $D$ se equivoque. Es un juego **minimax** con el valor
# $$\min_G \max_D \; \mathbb{E}_{x}[\ln D(x)] + \mathbb{E}_{z}[\ln(1 - D(G(z)))].$$
# Si $G$ imitara los datos a la perfección, lo mejor que podría hacer $D$ es decir siempre $1/2$.

# %% [markdown] id="ideas-game-en" tags=["lang-en"]
# ## 2. The game
#
# A GAN (Goodfellow et al., 2014) sets two networks against each other:
#
# - the **generator** $G$ turns latent vectors $z$ into samples $G(z)$;
# - the **discriminator** $D$ receives a sample and gives the probability, between 0 and 1, that it is real.
#
# $D$ wants to say 1 to what is real and 0 to what is generated; $G$ wants $D$ to be wrong. It is a **minimax** game of value
# $$\min_G \max_D \; \mathbb{E}_{x}[\ln D(x)] + \mathbb{E}_{z}[\ln(1 - D(G(z)))].$$
# If $G$ imitated the data perfectly, the best that $D$ could do would be to say $1/2$ every time.

# %% id="plot-diagram"
names = ("latente $z$", "generador $G$", "datos reales $x$", "discriminador $D$", "¿real? 0 … 1")  # es
names = ("latent $z$", "generator $G$", "real data $x$", "discriminator $D$", "real? 0 … 1")  # en
gan_diagram(names)

# %% [markdown] id="train-data-text-es" tags=["lang-es"]
# ## 3. Los datos de entrenamiento (10 puntos)
#
# Escribe dos funciones:
#
# - `make_train_data(length)` devuelve un tensor de forma `(length, 2)`. La columna 0 tiene ángulos al azar, uniformes entre
#   $0$ y $2\pi$: sácalos de **una sola** llamada a `torch.rand(length)` para toda la columna. La columna 1 es su seno.
# - `make_train_set(train_data)` devuelve una lista con un par `(fila, etiqueta)` por cada fila, en orden. La etiqueta puede
#   ser 0: una GAN no la usa, pero así lo espera `DataLoader`.
#
# Pistas: `torch.zeros`, `torch.sin`, `math.pi`. `train_data[:, 0]` es la primera columna.

# %% [markdown] id="train-data-text-en" tags=["lang-en"]
# ## 3. The training data (10 marks)
#
# Write two functions:
#
# - `make_train_data(length)` returns a tensor of shape `(length, 2)`. Column 0 holds random angles, uniform between
#   $0$ and $2\pi$: take them from **one single** call of `torch.rand(length)` for the whole column. Column 1 is their sine.
# - `make_train_set(train_data)` returns a list with one pair `(row, label)` for each row, in order. The label may be 0:
#   a GAN does not use it, but `DataLoader` expects one.
#
# Hints: `torch.zeros`, `torch.sin`, `math.pi`. `train_data[:, 0]` is the first column.

# %% id="train_data" nbgrader={"grade": false, "grade_id": "train_data", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_train_data(length):
    """es: Puntos (x, sen x) al azar: tensor de forma (length, 2)."""
    """en: Random points (x, sin x): tensor of shape (length, 2)."""
    ### BEGIN SOLUTION
    train_data = torch.zeros(length, 2)
    train_data[:, 0] = 2 * math.pi * torch.rand(length)
    train_data[:, 1] = torch.sin(train_data[:, 0])
    return train_data
    ### END SOLUTION


def make_train_set(train_data):
    """es: Lista de pares (fila, etiqueta), uno por fila."""
    """en: List of pairs (row, label), one per row."""
    ### BEGIN SOLUTION
    return [(row, 0) for row in train_data]
    ### END SOLUTION

# %% id="train_data_check" nbgrader={"grade": true, "grade_id": "train_data_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("train_data", points=10) as checks:
    checks.fingerprint("train_data.angles", column(make_train_data, 0), 1024, points=2)
    checks.fingerprint("train_data.sines", column(make_train_data, 1), 1024, points=3)
    checks.fingerprint("train_data.points", make_train_data, 1024, shape=(1024, 2), points=2)
    checks.dataset("train_set.pairs", make_train_set, shape=(1024, 2), points=3)
checks.score

# %% [markdown] id="discriminator-text-es" tags=["lang-es"]
# ## 4. El discriminador (12 puntos)
#
# Una red que recibe puntos `(n, 2)` y devuelve probabilidades `(n, 1)`:
#
# | capa | neuronas | después |
# |---|---|---|
# | oculta 1 | 256 | ReLU, dropout 0.3 |
# | oculta 2 | 128 | ReLU, dropout 0.3 |
# | oculta 3 | 64 | ReLU, dropout 0.3 |
# | salida | 1 | sigmoide |
#
# El dropout apaga al azar el 30 % de las neuronas mientras se entrena (`model.train()`) y no hace nada al evaluar (`model.eval()`).
# Pistas: `nn.Sequential`, `nn.Linear(entradas, salidas)`, `nn.ReLU`, `nn.Dropout`, `nn.Sigmoid`.

# %% [markdown] id="discriminator-text-en" tags=["lang-en"]
# ## 4. The discriminator (12 marks)
#
# A network that receives points `(n, 2)` and returns probabilities `(n, 1)`:
#
# | layer | units | followed by |
# |---|---|---|
# | hidden 1 | 256 | ReLU, dropout 0.3 |
# | hidden 2 | 128 | ReLU, dropout 0.3 |
# | hidden 3 | 64 | ReLU, dropout 0.3 |
# | output | 1 | sigmoid |
#
# Dropout switches off a random 30 % of the units while training (`model.train()`) and does nothing in evaluation (`model.eval()`).
# Hints: `nn.Sequential`, `nn.Linear(inputs, outputs)`, `nn.ReLU`, `nn.Dropout`, `nn.Sigmoid`.

# %% id="discriminator" nbgrader={"grade": false, "grade_id": "discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Discriminator(nn.Module):
    """es: Probabilidad de que un punto sea real: (n, 2) -> (n, 1)."""
    """en: Probability that a point is real: (n, 2) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(2, 256),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, 1),
            nn.Sigmoid(),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.model(x)
        ### END SOLUTION

# %% id="discriminator_check" nbgrader={"grade": true, "grade_id": "discriminator_check", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
with lab.marks("discriminator", points=12) as checks:
    checks.network_structure(
        "discriminator.structure",
        Discriminator,
        input_shape=(8, 2),
        output_shape=(8, 1),
        parameters=41_985,
        points=3,
    )
    checks.network_output(
        "discriminator.output", Discriminator, input_shape=(8, 2), low=0.0, high=1.0, points=5
    )
    checks.dropout("discriminator.dropout", Discriminator, input_shape=(64, 2), points=4)
checks.score

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ## 5. El generador (8 puntos)
#
# El generador lleva vectores latentes `(n, 2)` a puntos `(n, 2)`: dos capas ocultas de 16 y 32 neuronas con ReLU, y una salida
# **lineal** de 2. Lineal, porque las coordenadas de un punto pueden ser cualquier número: una sigmoide o tanh al final las
# encerraría, y el ángulo llega hasta $2\pi$. Aquí no hay dropout.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ## 5. The generator (8 marks)
#
# The generator takes latent vectors `(n, 2)` to points `(n, 2)`: two hidden layers of 16 and 32 units with ReLU, and a
# **linear** output of 2. Linear, because the coordinates of a point may be any number: a sigmoid or tanh at the end would lock
# them in, and the angle goes up to $2\pi$. There is no dropout here.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Un punto por vector latente: (n, 2) -> (n, 2)."""
    """en: One point per latent vector: (n, 2) -> (n, 2)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(2, 16),
            nn.ReLU(),
            nn.Linear(16, 32),
            nn.ReLU(),
            nn.Linear(32, 2),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z)
        ### END SOLUTION

# %% id="generator_check" nbgrader={"grade": true, "grade_id": "generator_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator", points=8) as checks:
    checks.network_structure(
        "generator.structure",
        Generator,
        input_shape=(8, 2),
        output_shape=(8, 2),
        parameters=658,
        points=3,
    )
    checks.network_output("generator.output", Generator, input_shape=(8, 2), training=True, points=5)
checks.score

# %% [markdown] id="untrained-text-es" tags=["lang-es"]
# ¿Qué dibuja un generador que todavía no aprendió nada? Guardamos 500 vectores latentes **fijos** y los usaremos en todas las
# figuras: así, lo que cambie de una a otra se debe al entrenamiento y no al azar.

# %% [markdown] id="untrained-text-en" tags=["lang-en"]
# What does a generator draw that has learned nothing yet? We keep 500 **fixed** latent vectors and use them in every
# figure: so whatever changes from one to the next is due to training and not to chance.

# %% id="plot-untrained" tags=["raises-exception"]
torch.manual_seed(2023)
fixed_latent = torch.randn(500, 2, device=device)  # (500, 2)
title = "Sin entrenar (naranja) y real (azul)"  # es
title = "Untrained (orange) and real (blue)"  # en
scatter(Generator().to(device)(fixed_latent), title=title, reference=real_points)

# %% [markdown] id="discriminator-step-text-es" tags=["lang-es"]
# ## 6. El paso del discriminador (14 puntos)
#
# Un paso mejora a $D$ con un lote de $n$ muestras reales y otras tantas generadas. Escríbelo en este orden:
#
# 1. vectores latentes con `torch.randn((n, 2), device=...)`, donde $n$ es `len(real_samples)` (¡el último lote puede ser más corto!);
# 2. muestras generadas, separadas con `.detach()`: la pérdida de $D$ no debe llegar hasta $G$;
# 3. etiquetas de forma `(n, 1)`: unos para lo real, ceros para lo generado;
# 4. `zero_grad()`, porque PyTorch **suma** los gradientes nuevos a los que ya había;
# 5. la pérdida, con `loss_function(salida, etiquetas)`: la media sobre las $2n$ muestras (une lo real y lo generado con `torch.cat`);
# 6. `backward()` y `step()`; devuelve la pérdida.

# %% [markdown] id="discriminator-step-text-en" tags=["lang-en"]
# ## 6. The discriminator step (14 marks)
#
# One step improves $D$ with a batch of $n$ real samples and as many generated ones. Write it in this order:
#
# 1. latent vectors with `torch.randn((n, 2), device=...)`, where $n$ is `len(real_samples)` (the last batch may be shorter!);
# 2. generated samples, cut off with `.detach()`: the loss of $D$ must not reach $G$;
# 3. labels of shape `(n, 1)`: ones for what is real, zeros for what is generated;
# 4. `zero_grad()`, because PyTorch **adds** new gradients to those already there;
# 5. the loss, with `loss_function(output, labels)`: the mean over all $2n$ samples (join real and generated ones with `torch.cat`);
# 6. `backward()` and `step()`; return the loss.

# %% id="discriminator_step" nbgrader={"grade": false, "grade_id": "discriminator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(discriminator, generator, optimizer_discriminator, loss_function, real_samples):
    """es: Un paso de entrenamiento del discriminador; devuelve su pérdida."""
    """en: One training step of the discriminator; returns its loss."""
    ### BEGIN SOLUTION
    n = len(real_samples)
    latent_samples = torch.randn((n, 2), device=real_samples.device)  # (n, 2)
    generated_samples = generator(latent_samples).detach()  # (n, 2)
    all_samples = torch.cat([real_samples, generated_samples])  # (2n, 2)
    labels = torch.cat([torch.ones(n, 1), torch.zeros(n, 1)]).to(real_samples.device)  # (2n, 1)

    optimizer_discriminator.zero_grad()
    loss = loss_function(discriminator(all_samples), labels)
    loss.backward()
    optimizer_discriminator.step()
    return loss
    ### END SOLUTION

# %% id="discriminator_step_check" nbgrader={"grade": true, "grade_id": "discriminator_step_check", "locked": true, "points": 14, "schema_version": 3, "solution": false, "task": false}
with lab.marks("discriminator_step", points=14) as checks:
    step_checks = checks.gan_step(
        discriminator_step, updates="discriminator", latent_shape=(2,), sample_shape=(2,)
    )
    step_checks.loss("discriminator_step.loss", points=4)
    step_checks.update("discriminator_step.update", points=4)
    step_checks.zero_grad("discriminator_step.zero_grad", points=3)
    step_checks.isolation("discriminator_step.isolation", points=3)
checks.score

# %% [markdown] id="generator-step-text-es" tags=["lang-es"]
# ## 7. El paso del generador (12 puntos)
#
# Ahora mejora $G$, con $D$ quieto. Genera `batch_size` muestras, pásalas por $D$ y calcula la pérdida contra etiquetas **uno**: $G$
# gana cuando $D$ dice «real». Aquí no va `.detach()`: el gradiente tiene que volver desde $D$ hasta $G$. $D$ no cambia,
# porque el optimizador que recibes solo mueve los parámetros de $G$. También aquí va `zero_grad()` antes de `backward()`.
#
# ¿Por qué unos, si el juego pide minimizar $\ln(1 - D(G(z)))$? Porque al comienzo $D$ reconoce lo generado con facilidad, $D(G(z)) \approx 0$,
# y ahí esa función es casi plana como función de lo que $D$ calcula antes de su sigmoide. Maximizar $\ln D(G(z))$, que es lo que hacen las
# etiquetas uno, empuja en el mismo sentido y con fuerza.
#
# Toma los vectores latentes con `torch.randn((batch_size, 2), device=device)`.

# %% [markdown] id="generator-step-text-en" tags=["lang-en"]
# ## 7. The generator step (12 marks)
#
# Now improve $G$, while $D$ holds still. Generate `batch_size` samples, pass them through $D$ and compute the loss against labels
# of **one**: $G$ wins when $D$ says “real”. No `.detach()` here: the gradient has to come back from $D$ to $G$. $D$ does not
# change, because the optimiser you receive moves the parameters of $G$ only. Here too, `zero_grad()` comes before `backward()`.
#
# Why ones, if the game asks to minimise $\ln(1 - D(G(z)))$? Because in the beginning $D$ recognises generated samples with ease,
# $D(G(z)) \approx 0$, and there that function is almost flat as a function of what $D$ computes before its sigmoid. Maximising
# $\ln D(G(z))$, which is what labels of one do, pushes in the same direction, and hard.
#
# Draw the latent vectors with `torch.randn((batch_size, 2), device=device)`.

# %% id="generator_step" nbgrader={"grade": false, "grade_id": "generator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generator_step(discriminator, generator, optimizer_generator, loss_function, batch_size):
    """es: Un paso de entrenamiento del generador; devuelve su pérdida."""
    """en: One training step of the generator; returns its loss."""
    ### BEGIN SOLUTION
    latent_samples = torch.randn((batch_size, 2), device=device)  # (n, 2)
    labels = torch.ones((batch_size, 1), device=device)  # (n, 1)

    optimizer_generator.zero_grad()
    loss = loss_function(discriminator(generator(latent_samples)), labels)
    loss.backward()
    optimizer_generator.step()
    return loss
    ### END SOLUTION

# %% id="generator_step_check" nbgrader={"grade": true, "grade_id": "generator_step_check", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator_step", points=12) as checks:
    step_checks = checks.gan_step(
        generator_step, updates="generator", latent_shape=(2,), sample_shape=(2,)
    )
    step_checks.loss("generator_step.loss", points=4)
    step_checks.update("generator_step.update", points=4)
    step_checks.zero_grad("generator_step.zero_grad", points=2)
    step_checks.isolation("generator_step.isolation", points=2)
checks.score

# %% [markdown] id="train-text-es" tags=["lang-es"]
# ## 8. El ciclo de entrenamiento (10 puntos)
#
# `train` reúne todo y **devuelve el historial** de pérdidas. Necesitas:
#
# - un `DataLoader` sobre `train_set`, con lotes de 32 y `shuffle=True`;
# - la pérdida `nn.BCELoss()` y **dos** optimizadores `torch.optim.Adam` con `lr=0.001`, uno por red y solo con sus parámetros;
# - por cada época y cada lote `(real_samples, _)`: lleva `real_samples` al dispositivo, da un paso del discriminador y luego uno del
#   generador, y guarda ambas pérdidas con `history.record(discriminator=..., generator=...)`;
# - al final de cada época, si `on_epoch_end` no es `None`, llámalo con `(epoch, generator)`.
#
# Los dos pasos llegan como argumentos: así el mismo ciclo sirve para otros pasos, y se califica por separado. Llámalos con los
# argumentos en el orden de sus definiciones.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# ## 8. The training loop (10 marks)
#
# `train` brings everything together and **returns the history** of losses. You need:
#
# - a `DataLoader` over `train_set`, with batches of 32 and `shuffle=True`;
# - the loss `nn.BCELoss()` and **two** optimisers `torch.optim.Adam` with `lr=0.001`, one per network and with its parameters only;
# - for each epoch and each batch `(real_samples, _)`: take `real_samples` to the device, do one discriminator step and then one
#   generator step, and keep both losses with `history.record(discriminator=..., generator=...)`;
# - at the end of each epoch, if `on_epoch_end` is not `None`, call it with `(epoch, generator)`.
#
# The two steps come as arguments: so the same loop serves other steps, and is marked on its own. Call them with their arguments
# in the order of their definitions.

# %% id="train" nbgrader={"grade": false, "grade_id": "train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(
    discriminator,
    generator,
    train_set,
    num_epochs,
    discriminator_step,
    generator_step,
    on_epoch_end=None,
):
    """es: Entrena ambas redes; devuelve el historial de pérdidas."""
    """en: Train both networks; return the history of losses."""
    history = LossHistory()
    ### BEGIN SOLUTION
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    loss_function = nn.BCELoss()
    optimizer_discriminator = torch.optim.Adam(discriminator.parameters(), lr=0.001)
    optimizer_generator = torch.optim.Adam(generator.parameters(), lr=0.001)

    for epoch in progress(range(num_epochs)):
        for real_samples, _ in train_loader:
            real_samples = real_samples.to(device)  # (32, 2)
            loss_discriminator = discriminator_step(
                discriminator, generator, optimizer_discriminator, loss_function, real_samples
            )
            loss_generator = generator_step(
                discriminator, generator, optimizer_generator, loss_function, len(real_samples)
            )
            history.record(discriminator=loss_discriminator, generator=loss_generator)
        if on_epoch_end is not None:
            on_epoch_end(epoch, generator)
    return history
    ### END SOLUTION

# %% id="train_check" nbgrader={"grade": true, "grade_id": "train_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("train", points=10) as checks:
    training_checks = checks.gan_training(train, latent_shape=(2,), sample_shape=(2,))
    training_checks.steps("train.steps", points=3)
    training_checks.optimizers("train.optimizers", points=3)
    training_checks.final_losses("train.final_losses", points=4)
checks.score

# %% [markdown] id="sample-text-es" tags=["lang-es"]
# ## 9. Muestras nuevas (4 puntos)
#
# Para usar el generador ya no hace falta el gradiente. Escribe `sample(generator, num_samples)`: toma vectores latentes con
# `torch.randn((num_samples, 2), device=device)`, pásalos por el generador dentro de `torch.no_grad()` y devuelve los puntos en la CPU.

# %% [markdown] id="sample-text-en" tags=["lang-en"]
# ## 9. New samples (4 marks)
#
# Using the generator no longer takes gradients. Write `sample(generator, num_samples)`: draw latent vectors with
# `torch.randn((num_samples, 2), device=device)`, pass them through the generator inside `torch.no_grad()`, and return the points on the CPU.

# %% id="sample" nbgrader={"grade": false, "grade_id": "sample", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample(generator, num_samples):
    """es: Puntos generados, en la CPU y sin gradiente: (num_samples, 2)."""
    """en: Generated points, on the CPU and without gradient: (num_samples, 2)."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        return generator(torch.randn((num_samples, 2), device=device)).cpu()
    ### END SOLUTION

# %% id="sample_check" nbgrader={"grade": true, "grade_id": "sample_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("sample", points=4) as checks:
    small_generator = lab.supplied_generator(latent_shape=(2,), sample_shape=(2,))
    checks.fingerprint(
        "sample.points", sample, small_generator, 100, shape=(100, 2), detached=True, points=4
    )
checks.score

# %% [markdown] id="run-text-es" tags=["lang-es"]
# ## 10. A entrenar
#
# Con todas las piezas listas, entrenamos de verdad: 1024 puntos, lotes de 32, es decir 32 pasos por época. Cada pocas épocas
# guardamos un cuadro de la película con los mismos vectores latentes fijos.

# %% [markdown] id="run-text-en" tags=["lang-en"]
# ## 10. Training for real
#
# With all the parts in place we train for real: 1,024 points, batches of 32, that is 32 steps an epoch. Every few epochs
# we keep a frame of the film, made from the same fixed latent vectors.

# %% id="run" tags=["raises-exception"]
torch.manual_seed(111)
discriminator = Discriminator().to(device)
generator = Generator().to(device)
train_set = make_train_set(make_train_data(1024))
num_epochs = budget(cpu=150, cuda=150, grading=1, device=device)

film = GifRecorder(real_points)


def film_epoch(epoch, generator):
    if epoch % 5 == 0 or epoch == num_epochs - 1:
        with torch.no_grad():
            title = f"Época {epoch + 1}"  # es
            title = f"Epoch {epoch + 1}"  # en
            film.add(generator(fixed_latent), title)


history = train(
    discriminator, generator, train_set, num_epochs, discriminator_step, generator_step, film_epoch
)
history

# %% [markdown] id="film-text-es" tags=["lang-es"]
# La película del entrenamiento (también queda en el archivo `lab1_sine_gan.gif`). Mira cómo la nube cambia de forma: primero
# encuentra el lugar de los datos, después se curva.

# %% [markdown] id="film-text-en" tags=["lang-en"]
# The film of the training (also kept in the file `lab1_sine_gan.gif`). Watch how the cloud changes its shape: first it finds
# the place of the data, then it bends.

# %% id="film" tags=["raises-exception"]
film.save("lab1_sine_gan.gif")

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Las curvas de pérdida
#
# La línea punteada es $\ln 2 \approx 0.693$: la pérdida de quien dice siempre $1/2$. Ambas pérdidas rondan esa línea cuando $D$ no
# distingue lo real de lo generado. **Pero cuidado**: eso también pasa cuando $D$ todavía no aprendió nada. En el primer paso, con redes sin
# entrenar, las dos pérdidas ya están cerca de $\ln 2$, y ahí el generador no ha aprendido nada. Una pérdida «buena» no prueba nada sobre
# las muestras: por eso en este curso no se aprueba con un umbral de pérdida.

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### The loss curves
#
# The dashed line is $\ln 2 \approx 0.693$: the loss of one who always says $1/2$. Both losses stay around it when $D$ cannot tell
# real from generated. **But beware**: the same happens while $D$ has not learned anything yet. In the first step, with untrained
# networks, both losses are close to $\ln 2$ already, and there the generator has learned nothing. A “good” loss proves nothing
# about the samples: that is why no loss threshold gives marks in this course.

# %% id="curves" tags=["raises-exception"]
title, steps, loss = "Pérdidas por paso de entrenamiento", "paso", "pérdida"  # es
title, steps, loss = "Losses per training step", "step", "loss"  # en
loss_curves(history, title=title, xlabel=steps, ylabel=loss)

# %% id="first-losses" tags=["raises-exception"]
round(history.discriminator[0], 3), round(history.generator[0], 3)

# %% [markdown] id="final-text-es" tags=["lang-es"]
# ### El resultado

# %% [markdown] id="final-text-en" tags=["lang-en"]
# ### The result

# %% id="final" tags=["raises-exception"]
generated_points = sample(generator, 1000)  # (1000, 2)
title = "Puntos generados y reales"  # es
title = "Generated and real points"  # en
names = ("generado", "real")  # es
names = ("generated", "real")  # en
scatter(generated_points, title=title, reference=real_points, labels=names)

# %% [markdown] id="quality-text-es" tags=["lang-es"]
# ### Cifras en vez de «se ve bien»
#
# Dos medidas, porque una sola engaña: la **distancia** media a la curva, $|x_2 - \sin x_1|$, que sería 0 para un generador que repite
# siempre el mismo punto bueno; y la **cobertura**, la parte de 32 tramos de la curva que tienen algún punto generado a menos de
# 0.2 de ella. La referencia son puntos reales. Fíjate en el generador sin entrenar: amontona todo cerca del origen, por donde pasa
# la curva, así que su distancia no es grande; es la cobertura la que lo delata. Con otra semilla el resultado es otro, mejor o peor.

# %% [markdown] id="quality-text-en" tags=["lang-en"]
# ### Figures instead of “it looks good”
#
# Two measures, because one alone deceives: the mean **distance** from the curve, $|x_2 - \sin x_1|$, which would be 0 for a generator
# that repeats one good point forever; and the **coverage**, the share of 32 parts of the curve that hold a generated point within
# 0.2 of it. The reference is real points. Look at the untrained generator: it piles everything up near the origin, where the curve
# passes, so its distance is not large; it is the coverage that gives it away. With another seed the result is another, better or worse.

# %% id="quality-real"
print("reales:      ", sine_quality(real_points))  # es
print("real:     ", sine_quality(real_points))  # en

# %% id="quality" tags=["raises-exception"]
untrained_points = sample(Generator().to(device), 1000)
print("sin entrenar:", sine_quality(untrained_points))  # es
print("entrenado:   ", sine_quality(generated_points))  # es
print("untrained:", sine_quality(untrained_points))  # en
print("trained:  ", sine_quality(generated_points))  # en

# %% [markdown] id="questions-text-es" tags=["lang-es"]
# ## 11. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (8 puntos).** Describe en una frase la diferencia entre los modelos discriminativos y los generativos, y da
# un ejemplo de cada uno.

# %% [markdown] id="questions-text-en" tags=["lang-en"]
# ## 11. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (8 marks).** Describe in one sentence the difference between discriminative and generative models, and give
# an example of each.

# %% [markdown] id="question_models" nbgrader={"grade": true, "grade_id": "question_models", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Un modelo discriminativo aprende P(y | x), la etiqueta de un dato que ya existe; uno generativo aprende P(x), cómo son los datos, y por eso puede crear otros nuevos. Un clasificador de dígitos es discriminativo; el generador de este laboratorio, que convierte azar en puntos de la curva, es generativo.
# ### END SOLUTION

# %% [markdown] id="question-minimax-text-es" tags=["lang-es"]
# **Pregunta 2 (7 puntos).** Explica cómo se aplica la idea de minimax a las GAN: quiénes juegan, qué quiere cada uno y cuándo
# ninguno puede mejorar.

# %% [markdown] id="question-minimax-text-en" tags=["lang-en"]
# **Question 2 (7 marks).** Explain how the idea of minimax applies to GANs: who plays, what each one wants, and when neither can
# improve.

# %% [markdown] id="question_minimax" nbgrader={"grade": true, "grade_id": "question_minimax", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# El discriminador maximiza el valor del juego (acertar qué es real) y el generador lo minimiza (hacer que se equivoque). El equilibrio llega cuando lo generado tiene la misma distribución que lo real: entonces lo mejor que puede decir el discriminador es 1/2 para todo.
# ### END SOLUTION

# %% [markdown] id="question-gif-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** Describe lo que se observa en la película: el comienzo, cómo evoluciona y qué le falta al final.

# %% [markdown] id="question-gif-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** Describe what the film shows: the beginning, how it evolves, and what is still missing in the end.

# %% [markdown] id="question_gif" nbgrader={"grade": true, "grade_id": "question_gif", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Al comienzo todos los puntos están amontonados cerca del origen. En las primeras épocas la nube se estira por la zona de los datos y después se dobla hasta seguir la curva. Al final sigue el seno, con zonas más densas que otras y puntos sueltos cerca de los extremos.
# ### END SOLUTION

# %% [markdown] id="question-quality-text-es" tags=["lang-es"]
# **Pregunta 4 (8 puntos).** ¿Es un buen modelo? Argumenta con la distancia y la cobertura, y di por qué las curvas de pérdida no
# bastan para decidirlo.

# %% [markdown] id="question-quality-text-en" tags=["lang-en"]
# **Question 4 (8 marks).** Is it a good model? Argue with distance and coverage, and say why the loss curves are not enough to
# decide it.

# %% [markdown] id="question_quality" nbgrader={"grade": true, "grade_id": "question_quality", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# La cobertura sube de casi nada a casi toda la curva y la distancia es pequeña, así que imita bien los datos, aunque no llega a los puntos reales (distancia 0, cobertura 100 %). Hacen falta ambas cifras: tampoco la distancia de un generador sin entrenar es grande. Las pérdidas no bastan: cerca de ln 2 están también las de dos redes sin entrenar, y no dicen si falta una parte de la curva.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Un modelo generativo aprende $P(x)$; el azar entra por el espacio latente.
# - En cada lote: un paso de $D$ (real 1, generado 0, con `.detach()`), un paso de $G$ (etiquetas 1, sin `.detach()`).
# - Los gradientes se acumulan: `zero_grad()` al comienzo de cada paso. Cada red tiene su optimizador.
# - Las pérdidas cerca de $\ln 2$ no prueban calidad; la distancia y la cobertura dicen más.
#
# **Para seguir explorando (sin puntos).** ¿Qué pasa con un espacio latente de dimensión 1? ¿Y si $D$ da tres pasos por cada uno
# de $G$? ¿Qué cambia en la película con `lr=0.01`?

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - A generative model learns $P(x)$; chance comes in through the latent space.
# - In each batch: one step of $D$ (real 1, generated 0, with `.detach()`), one step of $G$ (labels 1, without `.detach()`).
# - Gradients accumulate: `zero_grad()` at the start of each step. Each network has an optimiser of its own.
# - Losses near $\ln 2$ do not prove quality; distance and coverage say more.
#
# **To explore further (no marks).** What happens with a latent space of dimension 1? What if $D$ takes three steps for each one of
# $G$? What changes in the film with `lr=0.01`?

# %% id="summary"
lab.summary()
