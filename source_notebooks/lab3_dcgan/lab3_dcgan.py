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
# # Laboratorio 3: DCGAN, convoluciones que dibujan
#
# La GAN del laboratorio 2 aplanaba la imagen: para ella, dos píxeles vecinos eran tan extraños como dos de esquinas opuestas. Una
# **DCGAN** (Radford et al., 2016) usa convoluciones, que miran vecindades, y convoluciones transpuestas, que las dibujan.
#
# Al terminar sabrás calcular el tamaño que sale de cada capa, inicializar los pesos, entrenar con pasadas separadas, vigilar el
# entrenamiento con TensorBoard, pasear por el espacio latente, interrumpir y reanudar, y diseñar una red más ligera.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se vio y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas y el reto del final, 30.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 3: DCGAN, convolutions that draw
#
# The GAN of lab 2 flattened the picture: to it, two neighbouring pixels were as foreign as two from opposite corners. A
# **DCGAN** (Radford et al., 2016) uses convolutions, which look at neighbourhoods, and transposed convolutions, which draw them.
#
# By the end you will be able to compute the size that comes out of each layer, to initialise weights, to train with separate passes, to
# watch a training with TensorBoard, to walk through the latent space, to interrupt and resume, and to design a lighter network.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions and the challenge at the end, 30.

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
from torch.utils.tensorboard import SummaryWriter
from torchvision.utils import make_grid

from autograder import open_lab
from course.budget import budget
from course.classifier import fit_digit_classifier
from course.data import Batches, load_digits
from course.device import describe_device, get_device
from course.metrics import digit_quality
from course.plots import ImageGifRecorder, curves, image_grid
from course.training import History, progress

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab3_dcgan", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab3_dcgan", language="en", device=device)
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

# %% [markdown] id="data-text-es" tags=["lang-es"]
# ## 1. Los datos
#
# Los dígitos del laboratorio 2, ya normalizados: `(n, 1, 28, 28)` entre $-1$ y $1$. Sin descarga son los de scikit-learn; con `load_digits("mnist")`, los de MNIST.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The data
#
# The digits of lab 2, already normalised: `(n, 1, 28, 28)` between $-1$ and $1$. Without a download they are those of scikit-learn; with `load_digits("mnist")`, those of MNIST.

# %% id="data"
digits = load_digits()
real_images = digits.images  # (n, 1, 28, 28)
title = "Dígitos reales"  # es
title = "Real digits"  # en
image_grid(real_images[:32], title=title)

# %% [markdown] id="sizes-text-es" tags=["lang-es"]
# ## 2. ¿De qué tamaño sale? (8 puntos)
#
# Una **convolución** con núcleo $k$ recorre la imagen a pasos de $s$ (*stride*), después de añadirle un borde de $p$ píxeles (*padding*). De
# un lado de tamaño $n$ sale uno de
# $$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1,$$
# porque solo cuentan las posiciones en las que el núcleo cabe entero: se redondea **hacia abajo**.
#
# Una **convolución transpuesta** va al revés: cada píxel de entrada pinta un núcleo en la salida, a distancia $s$ del anterior, y el borde
# de $p$ píxeles se recorta. De $n$ sale
# $$(n - 1)\,s - 2p + k.$$
#
# Escribe ambas funciones; reciben y devuelven enteros.

# %% [markdown] id="sizes-text-en" tags=["lang-en"]
# ## 2. What size comes out? (8 marks)
#
# A **convolution** with kernel $k$ walks over the picture in strides of $s$, after a border of $p$ pixels (padding) was added to it. From a
# side of size $n$ comes one of
# $$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1,$$
# because only those places count where the kernel fits as a whole: it is rounded **down**.
#
# A **transposed convolution** goes the other way: each input pixel paints a kernel onto the output, $s$ away from the one before, and the
# border of $p$ pixels is cut off. From $n$ comes
# $$(n - 1)\,s - 2p + k.$$
#
# Write both functions; they take and return integers.

# %% id="sizes" nbgrader={"grade": false, "grade_id": "sizes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def convolution_size(size, kernel, stride, padding):
    """es: Lado de la salida de una convolución."""
    """en: Side of the output of a convolution."""
    ### BEGIN SOLUTION
    return (size + 2 * padding - kernel) // stride + 1
    ### END SOLUTION


def transposed_size(size, kernel, stride, padding):
    """es: Lado de la salida de una convolución transpuesta."""
    """en: Side of the output of a transposed convolution."""
    ### BEGIN SOLUTION
    return (size - 1) * stride - 2 * padding + kernel
    ### END SOLUTION

# %% id="sizes_check" nbgrader={"grade": true, "grade_id": "sizes_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("sizes", points=8) as checks:
    cases = lab.supplied_integers(12, size=(12, 65), kernel=(2, 8), stride=(2, 5), padding=(0, 4))
    checks.scalars("sizes.convolution", convolution_size, cases, points=4)
    checks.scalars("sizes.transposed", transposed_size, cases, points=4)
checks.score

# %% [markdown] id="sizes-table-text-es" tags=["lang-es"]
# Con estas fórmulas se diseña la red. Compruébalo: el generador irá de 1 a 7, 14 y 28; el discriminador, de vuelta.

# %% [markdown] id="sizes-table-text-en" tags=["lang-en"]
# These formulas are how the network is designed. See for yourself: the generator will go from 1 to 7, 14 and 28; the discriminator, back.

# %% id="sizes-table" tags=["raises-exception"]
print("G:", transposed_size(1, 7, 1, 0), transposed_size(7, 4, 2, 1), transposed_size(14, 4, 2, 1))
print("D:", convolution_size(28, 4, 2, 1), convolution_size(14, 4, 2, 1), convolution_size(7, 7, 1, 0))

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ## 3. El generador (10 puntos)
#
# El vector latente ya no es una fila: es una «imagen» de 1 × 1 píxeles con 100 canales, `(n, 100, 1, 1)`.
#
# | capa | canales | núcleo, paso, borde | salida | después |
# |---|---|---|---|---|
# | transpuesta 1 | 100 → 128 | 7, 1, 0 | 128 × 7 × 7 | BatchNorm2d, ReLU |
# | transpuesta 2 | 128 → 64 | 4, 2, 1 | 64 × 14 × 14 | BatchNorm2d, ReLU |
# | transpuesta 3 | 64 → 1 | 4, 2, 1 | 1 × 28 × 28 | tanh |
#
# Ninguna convolución lleva sesgo (`bias=False`): la normalización lo borraría enseguida, y tiene el suyo. A la salida no hay normalización.
# Pista: `nn.ConvTranspose2d(entran, salen, núcleo, paso, borde, bias=False)`.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ## 3. The generator (10 marks)
#
# The latent vector is no longer a row: it is a “picture” of 1 × 1 pixels with 100 channels, `(n, 100, 1, 1)`.
#
# | layer | channels | kernel, stride, padding | output | followed by |
# |---|---|---|---|---|
# | transposed 1 | 100 → 128 | 7, 1, 0 | 128 × 7 × 7 | BatchNorm2d, ReLU |
# | transposed 2 | 128 → 64 | 4, 2, 1 | 64 × 14 × 14 | BatchNorm2d, ReLU |
# | transposed 3 | 64 → 1 | 4, 2, 1 | 1 × 28 × 28 | tanh |
#
# No convolution has a bias (`bias=False`): normalisation would erase it at once, and has its own. There is no normalisation at the output.
# Hint: `nn.ConvTranspose2d(inputs, outputs, kernel, stride, padding, bias=False)`.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Una imagen por vector latente: (n, 100, 1, 1) -> (n, 1, 28, 28)."""
    """en: One picture per latent vector: (n, 100, 1, 1) -> (n, 1, 28, 28)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.ConvTranspose2d(100, 128, 7, 1, 0, bias=False),  # (n, 128, 7, 7)
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),  # (n, 64, 14, 14)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 1, 4, 2, 1, bias=False),  # (n, 1, 28, 28)
            nn.Tanh(),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z)
        ### END SOLUTION

# %% id="generator_check" nbgrader={"grade": true, "grade_id": "generator_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator", points=10) as checks:
    checks.network_structure(
        "generator.structure",
        Generator,
        input_shape=(4, 100, 1, 1),
        output_shape=(4, 1, 28, 28),
        parameters=759_680,
        points=3,
    )
    checks.network_output(
        "generator.training",
        Generator,
        input_shape=(4, 100, 1, 1),
        training=True,
        low=-1.0,
        high=1.0,
        points=4,
    )
    checks.network_output("generator.evaluation", Generator, input_shape=(4, 100, 1, 1), points=3)
checks.score

# %% [markdown] id="discriminator-text-es" tags=["lang-es"]
# ## 4. El discriminador (9 puntos)
#
# El espejo del generador. En lugar de capas de agrupación, los pasos de 2 reducen la imagen:
#
# | capa | canales | núcleo, paso, borde | salida | después |
# |---|---|---|---|---|
# | convolución 1 | 1 → 64 | 4, 2, 1 | 64 × 14 × 14 | LeakyReLU 0.2 |
# | convolución 2 | 64 → 128 | 4, 2, 1 | 128 × 7 × 7 | BatchNorm2d, LeakyReLU 0.2 |
# | convolución 3 | 128 → 1 | 7, 1, 0 | 1 × 1 × 1 | sigmoide |
#
# La primera capa **no** lleva normalización: borraría el nivel y el contraste de la imagen, que delatan a las generadas. `forward` devuelve `(n, 1)`:
# `.view(len(x), 1)`. Sin sesgos, otra vez. (`.squeeze()` parece más corto, pero con un lote de una sola imagen borra también el eje del lote.)

# %% [markdown] id="discriminator-text-en" tags=["lang-en"]
# ## 4. The discriminator (9 marks)
#
# The mirror of the generator. In place of pooling layers, strides of 2 shrink the picture:
#
# | layer | channels | kernel, stride, padding | output | followed by |
# |---|---|---|---|---|
# | convolution 1 | 1 → 64 | 4, 2, 1 | 64 × 14 × 14 | LeakyReLU 0.2 |
# | convolution 2 | 64 → 128 | 4, 2, 1 | 128 × 7 × 7 | BatchNorm2d, LeakyReLU 0.2 |
# | convolution 3 | 128 → 1 | 7, 1, 0 | 1 × 1 × 1 | sigmoid |
#
# The first layer has **no** normalisation: it would erase the level and the contrast of the picture, which give generated ones away. `forward` returns
# `(n, 1)`: `.view(len(x), 1)`. No biases, again. (`.squeeze()` looks shorter, but with a batch of a single picture it erases the axis of the batch too.)

# %% id="discriminator" nbgrader={"grade": false, "grade_id": "discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Discriminator(nn.Module):
    """es: Probabilidad de que una imagen sea real: (n, 1, 28, 28) -> (n, 1)."""
    """en: Probability that a picture is real: (n, 1, 28, 28) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Conv2d(1, 64, 4, 2, 1, bias=False),  # (n, 64, 14, 14)
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 128, 4, 2, 1, bias=False),  # (n, 128, 7, 7)
            nn.BatchNorm2d(128),
            nn.LeakyReLU(0.2),
            nn.Conv2d(128, 1, 7, 1, 0, bias=False),  # (n, 1, 1, 1)
            nn.Sigmoid(),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.model(x).view(len(x), 1)
        ### END SOLUTION

# %% id="discriminator_check" nbgrader={"grade": true, "grade_id": "discriminator_check", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
with lab.marks("discriminator", points=9) as checks:
    checks.network_structure(
        "discriminator.structure",
        Discriminator,
        input_shape=(1, 1, 28, 28),
        output_shape=(1, 1),
        parameters=138_624,
        points=3,
    )
    checks.network_output(
        "discriminator.training",
        Discriminator,
        input_shape=(6, 1, 28, 28),
        training=True,
        low=0.0,
        high=1.0,
        points=3,
    )
    checks.network_output("discriminator.evaluation", Discriminator, input_shape=(6, 1, 28, 28), points=3)
checks.score

# %% [markdown] id="initialisation-text-es" tags=["lang-es"]
# ## 5. Los pesos del comienzo (8 puntos)
#
# El artículo de la DCGAN comienza con pesos pequeños; el cuaderno original de esta práctica lo omitía. Escribe `initialise_weights(layer)`, que recibe
# **una** capa y la cambia en su lugar:
#
# - una convolución o convolución transpuesta: pesos de una normal de media 0 y desviación **0.02**;
# - una `nn.BatchNorm2d`: pesos (su escala) de una normal de media **1** y desviación 0.02, sesgo 0;
# - cualquier otra capa queda como está.
#
# `network.apply(initialise_weights)` la llamará con cada capa. Pistas: `isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))`,
# `nn.init.normal_(layer.weight, media, desviación)`, `nn.init.zeros_(layer.bias)`.

# %% [markdown] id="initialisation-text-en" tags=["lang-en"]
# ## 5. The weights to begin with (8 marks)
#
# The DCGAN paper begins with small weights; the original notebook of this lab left that out. Write `initialise_weights(layer)`, which
# receives **one** layer and changes it in place:
#
# - a convolution or transposed convolution: weights from a normal distribution of mean 0 and deviation **0.02**;
# - a `nn.BatchNorm2d`: weights (its gain) from a normal distribution of mean **1** and deviation 0.02, bias 0;
# - any other layer stays as it is.
#
# `network.apply(initialise_weights)` will call it with every layer. Hints: `isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))`,
# `nn.init.normal_(layer.weight, mean, deviation)`, `nn.init.zeros_(layer.bias)`.

# %% id="initialise_weights" nbgrader={"grade": false, "grade_id": "initialise_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def initialise_weights(layer):
    """es: Inicializa una capa como el artículo de la DCGAN."""
    """en: Initialise one layer as in the DCGAN paper."""
    ### BEGIN SOLUTION
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)
        nn.init.zeros_(layer.bias)
    ### END SOLUTION

# %% id="initialise_weights_check" nbgrader={"grade": true, "grade_id": "initialise_weights_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("initialise_weights", points=8) as checks:
    checks.initialisation(
        "initialise_weights.convolutions", initialise_weights, kind="convolutions", points=4
    )
    checks.initialisation("initialise_weights.batch_norms", initialise_weights, kind="batch_norms", points=4)
checks.score

# %% [markdown] id="discriminator-step-text-es" tags=["lang-es"]
# ## 6. Los pasos, con pasadas separadas
# ### El paso del discriminador (12 puntos)
#
# Con normalización por lotes importa **con quién** comparte lote cada imagen: si lo real y lo generado pasan juntos, sus estadísticas se mezclan y
# delatan la mezcla. Por eso hay dos pasadas, y la pérdida es la **suma** de dos medias. En este orden:
#
# 1. `zero_grad()` del optimizador;
# 2. pasada real: `output_real = discriminator(real_images)`, pérdida con etiquetas de unos;
# 3. `n` vectores latentes `torch.randn((n, 100, 1, 1), device=...)`, imágenes generadas separadas con `.detach()`;
# 4. pasada generada: `output_fake`, pérdida con etiquetas de ceros;
# 5. `backward()` de la suma y `step()`;
# 6. devuelve tres números: la pérdida, $D(x)$, la media de `output_real`, y $D(G(z))$, la media de `output_fake`.

# %% [markdown] id="discriminator-step-text-en" tags=["lang-en"]
# ## 6. The steps, with separate passes
# ### The discriminator step (12 marks)
#
# With batch normalisation it matters **with whom** a picture shares its batch: if real and generated ones pass together, their statistics mix and
# give the mixture away. So there are two passes, and the loss is the **sum** of two means. In this order:
#
# 1. `zero_grad()` of the optimiser;
# 2. real pass: `output_real = discriminator(real_images)`, loss with labels of ones;
# 3. `n` latent vectors `torch.randn((n, 100, 1, 1), device=...)`, generated pictures cut off with `.detach()`;
# 4. generated pass: `output_fake`, loss with labels of zeros;
# 5. `backward()` of the sum, and `step()`;
# 6. return three numbers: the loss, $D(x)$, the mean of `output_real`, and $D(G(z))$, the mean of `output_fake`.

# %% id="discriminator_step" nbgrader={"grade": false, "grade_id": "discriminator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(discriminator, generator, optimizer_discriminator, loss_function, real_images):
    """es: Un paso del discriminador; devuelve su pérdida, D(x) y D(G(z))."""
    """en: One step of the discriminator; returns its loss, D(x) and D(G(z))."""
    ### BEGIN SOLUTION
    n = len(real_images)
    optimizer_discriminator.zero_grad()
    output_real = discriminator(real_images)  # (n, 1)
    loss_real = loss_function(output_real, torch.ones_like(output_real))

    latent_samples = torch.randn((n, 100, 1, 1), device=real_images.device)
    generated_images = generator(latent_samples).detach()  # (n, 1, 28, 28)
    output_fake = discriminator(generated_images)  # (n, 1)
    loss_fake = loss_function(output_fake, torch.zeros_like(output_fake))

    loss = loss_real + loss_fake
    loss.backward()
    optimizer_discriminator.step()
    return loss.item(), output_real.mean().item(), output_fake.mean().item()
    ### END SOLUTION

# %% id="discriminator_step_check" nbgrader={"grade": true, "grade_id": "discriminator_step_check", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
with lab.marks("discriminator_step", points=12) as checks:
    step_checks = checks.gan_step(
        discriminator_step,
        updates="discriminator",
        latent_shape=(100, 1, 1),
        sample_shape=(1, 28, 28),
        separate_passes=True,
    )
    step_checks.loss("discriminator_step.loss", points=3)
    step_checks.scores("discriminator_step.scores", points=3)
    step_checks.update("discriminator_step.update", points=3)
    step_checks.zero_grad("discriminator_step.zero_grad", points=1)
    step_checks.isolation("discriminator_step.isolation", points=2)
checks.score

# %% [markdown] id="generator-step-text-es" tags=["lang-es"]
# ### El paso del generador (9 puntos)
#
# `batch_size` vectores latentes nuevos, sus imágenes sin `.detach()`, etiquetas de unos. Devuelve dos números: la pérdida y $D(G(z))$, la
# media de las salidas del discriminador para esas imágenes.

# %% [markdown] id="generator-step-text-en" tags=["lang-en"]
# ### The generator step (9 marks)
#
# `batch_size` new latent vectors, their pictures without `.detach()`, labels of ones. Return two numbers: the loss and $D(G(z))$, the
# mean of the discriminator's outputs for those pictures.

# %% id="generator_step" nbgrader={"grade": false, "grade_id": "generator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generator_step(discriminator, generator, optimizer_generator, loss_function, batch_size):
    """es: Un paso del generador; devuelve su pérdida y D(G(z))."""
    """en: One step of the generator; returns its loss and D(G(z))."""
    ### BEGIN SOLUTION
    device = next(generator.parameters()).device
    optimizer_generator.zero_grad()
    latent_samples = torch.randn((batch_size, 100, 1, 1), device=device)
    output_fake = discriminator(generator(latent_samples))  # (batch_size, 1)
    loss = loss_function(output_fake, torch.ones_like(output_fake))
    loss.backward()
    optimizer_generator.step()
    return loss.item(), output_fake.mean().item()
    ### END SOLUTION

# %% id="generator_step_check" nbgrader={"grade": true, "grade_id": "generator_step_check", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator_step", points=9) as checks:
    step_checks = checks.gan_step(
        generator_step,
        updates="generator",
        latent_shape=(100, 1, 1),
        sample_shape=(1, 28, 28),
        separate_passes=True,
    )
    step_checks.loss("generator_step.loss", points=2)
    step_checks.scores("generator_step.scores", points=2)
    step_checks.update("generator_step.update", points=3)
    step_checks.zero_grad("generator_step.zero_grad", points=1)
    step_checks.isolation("generator_step.isolation", points=1)
checks.score

# %% [markdown] id="interpolate-text-es" tags=["lang-es"]
# ## 7. Pasear por el espacio latente (5 puntos)
#
# Si el generador solo memorizara imágenes, entre dos vectores latentes no habría nada. Escribe `interpolate(first, second, steps)`: `steps` vectores
# en línea recta, $(1 - t)\,\text{first} + t\,\text{second}$ con $t$ de 0 a 1 a distancias iguales, **ambos extremos incluidos**. `first` y `second`
# son de forma `(100, 1, 1)`; el resultado, `(steps, 100, 1, 1)`. Pista: `torch.linspace(0, 1, steps)`.

# %% [markdown] id="interpolate-text-en" tags=["lang-en"]
# ## 7. A walk through the latent space (5 marks)
#
# If the generator only memorised pictures, there would be nothing between two latent vectors. Write `interpolate(first, second, steps)`: `steps` vectors
# on a straight line, $(1 - t)\,\text{first} + t\,\text{second}$ with $t$ from 0 to 1 at equal distances, **both ends included**. `first` and `second`
# have shape `(100, 1, 1)`; the result, `(steps, 100, 1, 1)`. Hint: `torch.linspace(0, 1, steps)`.

# %% id="interpolate" nbgrader={"grade": false, "grade_id": "interpolate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interpolate(first, second, steps):
    """es: Vectores latentes en línea recta de uno a otro: (steps, 100, 1, 1)."""
    """en: Latent vectors on a straight line from one to the other: (steps, 100, 1, 1)."""
    ### BEGIN SOLUTION
    t = torch.linspace(0, 1, steps, device=first.device).view(steps, 1, 1, 1)
    return (1 - t) * first + t * second
    ### END SOLUTION

# %% id="interpolate_check" nbgrader={"grade": true, "grade_id": "interpolate_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("interpolate", points=5) as checks:
    checks.fingerprint(
        "interpolate.vectors",
        interpolate,
        lab.supplied_samples((100, 1, 1), "first"),
        lab.supplied_samples((100, 1, 1), "second"),
        7,
        shape=(7, 100, 1, 1),
        points=5,
    )
checks.score

# %% [markdown] id="checkpoint-text-es" tags=["lang-es"]
# ## 8. Interrumpir y reanudar (9 puntos)
#
# Un entrenamiento largo se guarda de vez en cuando. ¿Qué hace falta para seguir como si nada hubiera pasado? Los **parámetros** de las redes y las
# **estadísticas** de la normalización, que están en `network.state_dict()`; la **memoria** de Adam, que está en `optimizer.state_dict()`; y la época.
#
# - `save_checkpoint(path, epoch, networks, optimizers)` escribe todo en un archivo con `torch.save`. `networks` y `optimizers` son diccionarios,
#   por ejemplo `{"discriminator": ..., "generator": ...}`.
# - `load_checkpoint(path, networks, optimizers)` lo lee con `torch.load(path)`, lo pone en las redes y optimizadores recibidos con
#   `load_state_dict`, y **devuelve la época**.
#
# No guardes las redes mismas (`torch.save(network)`): el archivo dependería de cada nombre de tu código, y `torch.load` se niega a leerlo.

# %% [markdown] id="checkpoint-text-en" tags=["lang-en"]
# ## 8. Interrupting and resuming (9 marks)
#
# A long training is saved from time to time. What does it take to go on as if nothing had happened? The **parameters** of the networks and the
# **statistics** of normalisation, which are in `network.state_dict()`; the **memory** of Adam, which is in `optimizer.state_dict()`; and the epoch.
#
# - `save_checkpoint(path, epoch, networks, optimizers)` writes all of it into one file with `torch.save`. `networks` and `optimizers` are
#   dictionaries, for example `{"discriminator": ..., "generator": ...}`.
# - `load_checkpoint(path, networks, optimizers)` reads it with `torch.load(path)`, puts it into the networks and optimisers received with
#   `load_state_dict`, and **returns the epoch**.
#
# Do not save the networks themselves (`torch.save(network)`): the file would depend on every name of your code, and `torch.load` refuses to read it.

# %% id="checkpoint" nbgrader={"grade": false, "grade_id": "checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
def save_checkpoint(path, epoch, networks, optimizers):
    """es: Guarda todo lo que hace falta para seguir después de esta época."""
    """en: Save all that it takes to go on after this epoch."""
    ### BEGIN SOLUTION
    torch.save(
        {
            "epoch": epoch,
            "networks": {name: network.state_dict() for name, network in networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        },
        path,
    )
    ### END SOLUTION


def load_checkpoint(path, networks, optimizers):
    """es: Pone lo guardado en redes y optimizadores; devuelve la época."""
    """en: Put what was saved into networks and optimisers; return the epoch."""
    ### BEGIN SOLUTION
    checkpoint = torch.load(path)
    for name, network in networks.items():
        network.load_state_dict(checkpoint["networks"][name])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(checkpoint["optimizers"][name])
    return checkpoint["epoch"]
    ### END SOLUTION

# %% id="checkpoint_check" nbgrader={"grade": true, "grade_id": "checkpoint_check", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
with lab.marks("checkpoint", points=9) as checks:
    checks.checkpoint("checkpoint.resume", save_checkpoint, load_checkpoint, points=9)
checks.score

# %% [markdown] id="train-text-es" tags=["lang-es"]
# ## 9. El entrenamiento
#
# El ciclo es el de siempre, con tres añadidos: escribe curvas e imágenes para **TensorBoard**, usa los mismos 32 vectores latentes en todas las imágenes, y
# guarda un punto de control al final de cada época. El original usaba 0.0002 como tasa de ambas redes; con un presupuesto corto el discriminador se adelanta
# demasiado, así que aquí aprende más despacio que el generador (dos escalas de tiempo, Heusel et al., 2017). Para ver TensorBoard mientras entrena, escribe en una terminal, en la carpeta del cuaderno,
# `tensorboard --logdir runs`, y abre la dirección que muestra.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# ## 9. The training
#
# The loop is the usual one, with three additions: it writes curves and pictures for **TensorBoard**, uses the same 32 latent vectors in all pictures, and
# keeps a checkpoint at the end of each epoch. The original used 0.0002 as the rate of both networks; on a short budget the discriminator runs too far
# ahead, so here it learns more slowly than the generator (two time scales, Heusel et al., 2017). To watch TensorBoard during the training, type in a terminal, in the folder of the notebook,
# `tensorboard --logdir runs`, and open the address that it shows.

# %% id="train"
def train(discriminator, generator, num_steps, name, on_epoch_end=lambda epoch: None):
    """es: Entrena ambas redes; devuelve las curvas."""
    """en: Train both networks; return the curves."""
    networks = {"discriminator": discriminator, "generator": generator}
    rates = {"discriminator": 0.0001, "generator": 0.0004}
    optimizers = {
        role: torch.optim.Adam(network.parameters(), lr=rates[role], betas=(0.5, 0.999))
        for role, network in networks.items()
    }
    batches = Batches(real_images, batch_size=64, drop_last=True)
    history, loss_function = History("loss_d", "loss_g", "d_x", "d_g_z"), nn.BCELoss()
    with SummaryWriter(f"runs/{name}") as writer:
        for epoch in progress(range(math.ceil(num_steps / len(batches))), name):
            for (images,) in batches:
                if len(history) == num_steps:
                    break
                images = images.to(device)  # (64, 1, 28, 28)
                loss_d, d_x, _ = discriminator_step(
                    discriminator, generator, optimizers["discriminator"], loss_function, images
                )
                loss_g, d_g_z = generator_step(
                    discriminator, generator, optimizers["generator"], loss_function, len(images)
                )
                history.record(loss_d=loss_d, loss_g=loss_g, d_x=d_x, d_g_z=d_g_z)
                writer.add_scalars("loss", {"D": loss_d, "G": loss_g}, len(history))
                writer.add_scalars("score", {"D(x)": d_x, "D(G(z))": d_g_z}, len(history))
            grid = make_grid(draw(generator, fixed_latent), normalize=True, value_range=(-1, 1))
            writer.add_image("fixed noise", grid, epoch)
            save_checkpoint(f"{name}.pt", epoch, networks, optimizers)
            on_epoch_end(epoch)
    return history


def draw(generator, latent):
    """es: Imágenes de unos vectores latentes, en modo eval y en la CPU."""
    """en: Pictures of some latent vectors, in eval mode and on the CPU."""
    generator.eval()
    with torch.no_grad():
        images = generator(latent).cpu()
    generator.train()
    return images

# %% id="run" tags=["raises-exception"]
torch.manual_seed(111)
fixed_latent = torch.randn(32, 100, 1, 1, device=device)
discriminator, generator = Discriminator().to(device), Generator().to(device)
discriminator.apply(initialise_weights)
generator.apply(initialise_weights)
num_steps = budget(cpu=700, cuda=10_000, grading=1, device=device)
film = ImageGifRecorder()


def film_epoch(epoch):
    title = f"Época {epoch + 1}"  # es
    title = f"Epoch {epoch + 1}"  # en
    film.add(draw(generator, fixed_latent), title)


history = train(discriminator, generator, num_steps, "lab3_dcgan", film_epoch)
history

# %% id="film" tags=["raises-exception"]
film.save("lab3_dcgan.gif")

# %% id="plot-generated" tags=["raises-exception"]
torch.manual_seed(7)
title = "Imágenes generadas"  # es
title = "Generated pictures"  # en
image_grid(draw(generator, torch.randn(32, 100, 1, 1, device=device)), title=title)

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Qué dicen las curvas
#
# La pérdida de $D$ es ahora una **suma**: quien dice siempre $1/2$ tiene $2 \ln 2 \approx 1.39$. $D(x)$ y $D(G(z))$ se leen mejor: comienzan cerca de $1/2$, se
# separan cuando el discriminador gana, y se acercan cuando el generador mejora. Rara vez llegan a juntarse, y no hace falta: lo
# que importa son las imágenes.

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### What the curves say
#
# The loss of $D$ is now a **sum**: one who always says $1/2$ has $2 \ln 2 \approx 1.39$. $D(x)$ and $D(G(z))$ are easier to read: they begin near $1/2$, part
# when the discriminator wins, and approach each other when the generator improves. They seldom meet, and need not: what
# matters is the pictures.

# %% id="curves-loss" tags=["raises-exception"]
title, steps, loss = "Pérdidas", "paso", "pérdida"  # es
title, steps, loss = "Losses", "step", "loss"  # en
curves({"$D$": history.loss_d, "$G$": history.loss_g}, title=title, xlabel=steps, ylabel=loss, smooth=20)

# %% id="curves-score" tags=["raises-exception"]
title, score = "Salidas del discriminador", "media"  # es
title, score = "Outputs of the discriminator", "mean"  # en
curves({"$D(x)$": history.d_x, "$D(G(z))$": history.d_g_z}, title=title, xlabel=steps, ylabel=score, smooth=20)

# %% [markdown] id="quality-text-es" tags=["lang-es"]
# ### Cifras
#
# La regla del laboratorio 2: clases, confianza y distancia, medidas con un clasificador pequeño. La primera línea es la de los dígitos reales.

# %% [markdown] id="quality-text-en" tags=["lang-en"]
# ### Figures
#
# The ruler of lab 2: classes, confidence and distance, measured with a small classifier. The first line is that of real digits.

# %% id="ruler"
torch.manual_seed(0)
shuffled = real_images[torch.randperm(len(digits))]
half = min(1000, len(digits) // 2)
classifier = fit_digit_classifier(real_images, digits.labels)


def measure(generator):
    """es: Mide tantas imágenes generadas como reales se midieron."""
    """en: Measure as many generated pictures as real ones were measured."""
    latent = torch.randn(half, 100, 1, 1, device=device)
    return digit_quality(draw(generator, latent), shuffled[:half], classifier)


real_quality = digit_quality(shuffled[-half:], shuffled[:half], classifier)
print("reales:   ", real_quality)  # es
print("real:     ", real_quality)  # en

# %% id="quality" tags=["raises-exception"]
print("generadas:", measure(generator))  # es
print("generated:", measure(generator))  # en

# %% [markdown] id="walk-text-es" tags=["lang-es"]
# ### El paseo
#
# De un vector latente a otro en ocho pasos, tres veces. Los trazos se transforman poco a poco: el generador aprendió una superficie, no una lista de imágenes.

# %% [markdown] id="walk-text-en" tags=["lang-en"]
# ### The walk
#
# From one latent vector to another in eight steps, three times. The strokes change little by little: the generator learned a surface, not a list of pictures.

# %% id="walk" tags=["raises-exception"]
torch.manual_seed(5)
ends = torch.randn(6, 100, 1, 1, device=device)
walks = torch.cat([interpolate(ends[row], ends[row + 1], 8) for row in (0, 2, 4)])  # (24, 100, 1, 1)
title = "Interpolación en el espacio latente"  # es
title = "Interpolation in the latent space"  # en
image_grid(draw(generator, walks), title=title)

# %% [markdown] id="resume-text-es" tags=["lang-es"]
# ### Reanudar
#
# Redes nuevas y el archivo del final: si todo volvió, dibujan exactamente lo mismo.

# %% [markdown] id="resume-text-en" tags=["lang-en"]
# ### Resuming
#
# New networks and the file from the end: if all came back, they draw exactly the same.

# %% id="resume" tags=["raises-exception"]
networks = {"discriminator": Discriminator().to(device), "generator": Generator().to(device)}
optimizers = {name: torch.optim.Adam(network.parameters()) for name, network in networks.items()}
last_epoch = load_checkpoint("lab3_dcgan.pt", networks, optimizers)
same = torch.equal(draw(networks["generator"], fixed_latent), draw(generator, fixed_latent))
rate = optimizers["generator"].param_groups[0]["lr"]
print(f"época {last_epoch}, tasa {rate}; ¿las mismas imágenes? {same}")  # es
print(f"epoch {last_epoch}, rate {rate}; the same pictures? {same}")  # en

# %% [markdown] id="light-text-es" tags=["lang-es"]
# ## 10. Reto: una red más ligera (10 puntos)
#
# ¿Se puede dibujar igual de bien con menos parámetros? Diseña `LightGenerator`, con la misma entrada y la misma salida que `Generator` y **a lo sumo la mitad** de sus
# 759 680 parámetros. Casi todos están en la primera capa: $100 \cdot 128 \cdot 7 \cdot 7$. Ideas: menos canales; una primera capa más pequeña y otra
# convolución transpuesta; núcleos de otro tamaño. Las fórmulas de la sección 2 dicen si los tamaños encajan.
#
# Esta celda la califica una persona, junto con la pregunta que sigue a la comparación.

# %% [markdown] id="light-text-en" tags=["lang-en"]
# ## 10. Challenge: a lighter network (10 marks)
#
# Can one draw as well with fewer parameters? Design `LightGenerator`, with the same input and the same output as `Generator` and **at most half** of its
# 759,680 parameters. Nearly all of them are in the first layer: $100 \cdot 128 \cdot 7 \cdot 7$. Ideas: fewer channels; a smaller first layer and one
# more transposed convolution; kernels of another size. The formulas of section 2 tell whether the sizes fit.
#
# This cell is marked by a person, together with the question after the comparison.

# %% id="light_generator" nbgrader={"grade": true, "grade_id": "light_generator", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
class LightGenerator(nn.Module):
    """es: Como Generator, con a lo sumo la mitad de los parámetros."""
    """en: Like Generator, with at most half of the parameters."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.ConvTranspose2d(100, 64, 7, 1, 0, bias=False),  # (n, 64, 7, 7)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),  # (n, 32, 14, 14)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, 2, 1, bias=False),  # (n, 1, 28, 28)
            nn.Tanh(),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z)
        ### END SOLUTION

# %% id="light-run" tags=["raises-exception"]
def count(network):
    """es: Número de parámetros."""
    """en: Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


torch.manual_seed(111)
light_discriminator, light_generator = Discriminator().to(device), LightGenerator().to(device)
light_discriminator.apply(initialise_weights)
light_generator.apply(initialise_weights)
light_history = train(light_discriminator, light_generator, num_steps, "lab3_dcgan_light")
print(f"original: {count(generator):7} parámetros, {measure(generator)}")  # es
print(f"ligera:   {count(light_generator):7} parámetros, {measure(light_generator)}")  # es
print(f"original: {count(generator):7,} parameters, {measure(generator)}")  # en
print(f"light:    {count(light_generator):7,} parameters, {measure(light_generator)}")  # en

# %% id="light-plot" tags=["raises-exception"]
title = "Imágenes del generador ligero"  # es
title = "Pictures of the light generator"  # en
image_grid(draw(light_generator, fixed_latent), title=title)

# %% [markdown] id="questions-text-es" tags=["lang-es"]
# ## 11. Preguntas abiertas (20 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (7 puntos).** ¿Qué cambiaste para aligerar el generador, cuántos parámetros ahorraste y qué costó? Argumenta con las cifras de ambas redes. Con una sola
# semilla, ¿qué puedes afirmar y qué no?

# %% [markdown] id="questions-text-en" tags=["lang-en"]
# ## 11. Open questions (20 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (7 marks).** What did you change to make the generator lighter, how many parameters did you save, and what did it cost? Argue with the figures of both
# networks. With a single seed, what can you claim and what not?

# %% [markdown] id="question_light" nbgrader={"grade": true, "grade_id": "question_light", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Reduje a la mitad los canales de las dos capas ocultas: 64 y 32 en vez de 128 y 64. Quedan 347 072 parámetros en vez de 759 680, un 54 % menos, casi todo en la primera capa, y cada paso tarda menos. Las cifras de ambas redes son parecidas, así que a simple vista no costó nada. Pero son una sola semilla y un entrenamiento corto: no puedo afirmar que una sea mejor que la otra; para eso habría que repetir con varias semillas y comparar las diferencias con su dispersión.
# ### END SOLUTION

# %% [markdown] id="question-curves-text-es" tags=["lang-es"]
# **Pregunta 2 (7 puntos).** ¿Qué comportamiento se esperaría de $D(x)$ y $D(G(z))$ si el entrenamiento fuera perfecto, y qué observas? ¿Por qué la pérdida del generador puede subir
# mientras sus imágenes mejoran?

# %% [markdown] id="question-curves-text-en" tags=["lang-en"]
# **Question 2 (7 marks).** What would $D(x)$ and $D(G(z))$ do if the training were perfect, and what do you observe? Why can the generator's loss rise while
# its pictures improve?

# %% [markdown] id="question_curves" nbgrader={"grade": true, "grade_id": "question_curves", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Con un generador perfecto ambas medias estarían en 1/2, porque el discriminador no podría distinguir nada. Se observa que comienzan cerca de 1/2 y que enseguida D(x) queda por encima de D(G(z)): el discriminador va por delante. La pérdida del generador mide contra un rival que también aprende: si el discriminador mejora más rápido, la pérdida sube aunque las imágenes sean mejores que antes.
# ### END SOLUTION

# %% [markdown] id="question-convolutions-text-es" tags=["lang-es"]
# **Pregunta 3 (6 puntos).** Compara estas imágenes con las del laboratorio 2: ¿en qué son mejores, por qué, y qué dicen las cifras? Nombra una cosa que las convoluciones saben y las capas densas no.

# %% [markdown] id="question-convolutions-text-en" tags=["lang-en"]
# **Question 3 (6 marks).** Compare these pictures with those of lab 2: in what are they better, why, and what do the figures say? Name one thing that convolutions know and dense layers do not.

# %% [markdown] id="question_convolutions" nbgrader={"grade": true, "grade_id": "question_convolutions", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Los trazos son lisos y continuos, sin el ruido de píxeles sueltos de la red densa. Una convolución sabe qué píxeles son vecinos y usa los mismos pesos en toda la imagen, así que aprende una vez cómo es un borde y lo dibuja en cualquier lugar, con muchos menos pesos por capa. Las cifras no dicen que todo sea mejor: con este presupuesto, un cuarto de los pasos del laboratorio 2, la confianza y la distancia no superan a las de allí. Hay formas lisas que no son ningún dígito.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Tamaños: $\lfloor (n + 2p - k)/s \rfloor + 1$ y $(n-1)s - 2p + k$.
# - DCGAN: pasos en vez de agrupación, normalización salvo en la salida de $G$ y la entrada de $D$, ReLU en $G$, LeakyReLU en $D$, pesos de desviación 0.02.
# - Con normalización por lotes, lo real y lo generado pasan por separado.
# - Un punto de control lleva redes, optimizadores y época.
# - Menos parámetros no es lo mismo que peor: se mide, y con más de una semilla.
#
# **Para seguir explorando (sin puntos).** ¿Qué pasa sin `initialise_weights`? ¿Y si lo real y lo generado pasan juntos? Interpola sobre la esfera en vez de en
# línea recta: los vectores normales de 100 dimensiones tienen casi todos la misma longitud.

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Sizes: $\lfloor (n + 2p - k)/s \rfloor + 1$ and $(n-1)s - 2p + k$.
# - DCGAN: strides in place of pooling, normalisation except at the output of $G$ and the input of $D$, ReLU in $G$, LeakyReLU in $D$, weights of deviation 0.02.
# - With batch normalisation, real and generated pictures pass apart.
# - A checkpoint holds networks, optimisers and epoch.
# - Fewer parameters is not the same as worse: it is measured, and with more than one seed.
#
# **To explore further (no marks).** What happens without `initialise_weights`? And if real and generated pictures pass together? Interpolate on the sphere instead of a
# straight line: normal vectors of 100 dimensions nearly all have the same length.

# %% id="summary"
lab.summary()
