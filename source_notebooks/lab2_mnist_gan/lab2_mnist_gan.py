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
# # Laboratorio 2: una GAN que escribe dígitos
#
# En el laboratorio 1 cada dato era un punto: dos números. Ahora cada dato es una **imagen** de 28 × 28 píxeles, 784 números, y
# la red tiene que aprender trazos, formas y estilos de escritura. Primero verás cómo la GAN original fracasa cuando el presupuesto
# es corto; después la repararás y la verás funcionar en menos de minuto y medio en una CPU.
#
# Al terminar sabrás preparar imágenes para una red, mover datos entre dispositivos, evaluar una red sin entrenarla y medir
# imágenes generadas con cifras: cuántas clases cubren, con qué confianza y a qué distancia de las reales.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se vio y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 2: a GAN that writes digits
#
# In lab 1 each sample was a point: two numbers. Now each sample is a **picture** of 28 × 28 pixels, 784 numbers, and the
# network has to learn strokes, shapes and handwriting styles. First you will see how the original GAN fails when the budget is
# short; then you will repair it and see it work in less than a minute and a half on a CPU.
#
# By the end you will be able to prepare pictures for a network, to move data between devices, to evaluate a network without
# training it, and to measure generated pictures: how many classes they cover, with what confidence, and how far they are from real ones.
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

from autograder import open_lab
from course.budget import budget
from course.classifier import fit_digit_classifier
from course.data import Batches, load_digits
from course.device import describe_device, get_device
from course.metrics import digit_quality
from course.plots import ImageGifRecorder, class_bars, image_grid, loss_curves
from course.training import LossHistory, progress

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab2_mnist_gan", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab2_mnist_gan", language="en", device=device)
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
# ## 1. Las imágenes
#
# `load_digits()` devuelve dígitos reales escritos a mano y dice en una línea cuáles. Sin descarga son los 1797 de scikit-learn: se
# tomaron con 8 × 8 píxeles y aquí están ampliados a 28 × 28, por eso se ven borrosos. Con `load_digits("mnist")` se
# usan los 60 000 de **MNIST**, si ya están en la carpeta `data` o se pueden descargar.
#
# Cada imagen llega como una matriz de enteros `uint8`: 0 es negro, 255 es blanco.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The pictures
#
# `load_digits()` returns real handwritten digits and says in one line which ones. Without a download they are the 1,797 of
# scikit-learn: they were taken with 8 × 8 pixels and are enlarged here to 28 × 28, which is why they look blurry. With
# `load_digits("mnist")` the 60,000 of **MNIST** are used, if they are in the folder `data` already or can be downloaded.
#
# Each picture comes as a matrix of integers, `uint8`: 0 is black, 255 is white.

# %% id="data"
digits = load_digits()
digits.pixels.shape, digits.pixels.dtype, digits.labels[:8].tolist()

# %% id="plot-data"
title = "Dígitos reales"  # es
title = "Real digits"  # en
image_grid(digits.pixels[:32], title=title)

# %% [markdown] id="transform-text-es" tags=["lang-es"]
# ### De píxeles a la red y de vuelta (8 puntos)
#
# Una red aprende mejor con números pequeños y centrados en cero, y el generador terminará en una tangente hiperbólica, que da
# números entre $-1$ y $1$. Lo real debe estar en el mismo intervalo: si no, el discriminador los distinguiría por eso. Escribe dos funciones:
#
# - `transform(pixels)` recibe enteros de 0 a 255 de forma `(n, 28, 28)` y devuelve números de coma flotante de forma `(n, 1, 28, 28)` entre $-1$ y $1$: divide
#   entre 255, resta 0.5 y divide entre 0.5. El eje nuevo es el **canal**: una imagen en gris tiene uno, una de color, tres.
# - `to_display(images)` deshace el cambio de intervalo: lleva imágenes de $[-1, 1]$ a $[0, 1]$, la forma no cambia.
#
# Pistas: `.float()` convierte enteros, `.unsqueeze(1)` pone un eje de tamaño 1 en el lugar 1.

# %% [markdown] id="transform-text-en" tags=["lang-en"]
# ### From pixels to the network and back (8 marks)
#
# A network learns better from small numbers around zero, and the generator will end in a hyperbolic tangent, which gives numbers
# between $-1$ and $1$. What is real has to lie in the same interval: if not, the discriminator could tell them apart by that. Write two functions:
#
# - `transform(pixels)` takes integers from 0 to 255 of shape `(n, 28, 28)` and returns floating point numbers of shape `(n, 1, 28, 28)` between $-1$ and $1$:
#   divide by 255, subtract 0.5 and divide by 0.5. The new axis is the **channel**: a grey picture has one, a colour picture three.
# - `to_display(images)` undoes the change of interval: it takes pictures from $[-1, 1]$ to $[0, 1]$, the shape stays.
#
# Hints: `.float()` converts integers, `.unsqueeze(1)` puts an axis of size 1 at place 1.

# %% id="transform" nbgrader={"grade": false, "grade_id": "transform", "locked": false, "schema_version": 3, "solution": true, "task": false}
def transform(pixels):
    """es: Imágenes para la red: (n, 28, 28) de 0 a 255 -> (n, 1, 28, 28) de -1 a 1."""
    """en: Pictures for the network: (n, 28, 28) from 0 to 255 -> (n, 1, 28, 28) from -1 to 1."""
    ### BEGIN SOLUTION
    images = pixels.float() / 255  # (n, 28, 28)
    return ((images - 0.5) / 0.5).unsqueeze(1)  # (n, 1, 28, 28)
    ### END SOLUTION


def to_display(images):
    """es: Imágenes para mostrar: de [-1, 1] a [0, 1]."""
    """en: Pictures for display: from [-1, 1] to [0, 1]."""
    ### BEGIN SOLUTION
    return images * 0.5 + 0.5
    ### END SOLUTION

# %% id="transform_check" nbgrader={"grade": true, "grade_id": "transform_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("transform", points=8) as checks:
    checks.fingerprint(
        "transform.images",
        transform,
        lab.supplied_pixels((16, 28, 28)),
        shape=(16, 1, 28, 28),
        low=-1.0,
        high=1.0,
        points=5,
    )
    checks.fingerprint(
        "transform.display",
        to_display,
        lab.supplied_samples((16, 1, 28, 28)),
        shape=(16, 1, 28, 28),
        points=3,
    )
checks.score

# %% id="real-images" tags=["raises-exception"]
real_images = transform(digits.pixels)  # (n, 1, 28, 28)
real_images.shape, real_images.min().item(), real_images.max().item()

# %% [markdown] id="discriminator-text-es" tags=["lang-es"]
# ## 2. Las redes originales
# ### El discriminador (9 puntos)
#
# Recibe imágenes `(n, 1, 28, 28)` y devuelve probabilidades `(n, 1)`. Una capa lineal espera filas de números, así que `forward` primero
# aplana cada imagen en 784 números: `x.view(len(x), 784)`. Después:
#
# | capa | neuronas | después |
# |---|---|---|
# | oculta 1 | 1024 | ReLU, dropout 0.3 |
# | oculta 2 | 512 | ReLU, dropout 0.3 |
# | oculta 3 | 256 | ReLU, dropout 0.3 |
# | salida | 1 | sigmoide |

# %% [markdown] id="discriminator-text-en" tags=["lang-en"]
# ## 2. The original networks
# ### The discriminator (9 marks)
#
# It receives pictures `(n, 1, 28, 28)` and returns probabilities `(n, 1)`. A linear layer expects rows of numbers, so `forward` first
# flattens each picture into 784 numbers: `x.view(len(x), 784)`. Then:
#
# | layer | units | followed by |
# |---|---|---|
# | hidden 1 | 1024 | ReLU, dropout 0.3 |
# | hidden 2 | 512 | ReLU, dropout 0.3 |
# | hidden 3 | 256 | ReLU, dropout 0.3 |
# | output | 1 | sigmoid |

# %% id="discriminator" nbgrader={"grade": false, "grade_id": "discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Discriminator(nn.Module):
    """es: Probabilidad de que una imagen sea real: (n, 1, 28, 28) -> (n, 1)."""
    """en: Probability that a picture is real: (n, 1, 28, 28) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(784, 1024),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(1024, 512),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(512, 256),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(256, 1),
            nn.Sigmoid(),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.model(x.view(len(x), 784))
        ### END SOLUTION

# %% id="discriminator_check" nbgrader={"grade": true, "grade_id": "discriminator_check", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
with lab.marks("discriminator", points=9) as checks:
    checks.network_structure(
        "discriminator.structure",
        Discriminator,
        input_shape=(8, 1, 28, 28),
        output_shape=(8, 1),
        parameters=1_460_225,
        points=3,
    )
    checks.network_output(
        "discriminator.output", Discriminator, input_shape=(8, 1, 28, 28), low=0.0, high=1.0, points=3
    )
    checks.dropout("discriminator.dropout", Discriminator, input_shape=(16, 1, 28, 28), points=3)
checks.score

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ### El generador (7 puntos)
#
# Recorre el camino contrario: de un vector latente de **100** números a una imagen. Capas lineales de 256, 512 y 1024 neuronas, cada
# una con ReLU; una salida lineal de 784 con **tanh**; y al final `forward` da a cada fila la forma de una imagen: `(n, 1, 28, 28)`.
#
# ¿Por qué tanh? Porque deja cada píxel entre $-1$ y $1$, el intervalo de las imágenes reales.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ### The generator (7 marks)
#
# It goes the other way: from a latent vector of **100** numbers to a picture. Linear layers of 256, 512 and 1024 units, each with
# ReLU; a linear output of 784 with **tanh**; and in the end `forward` gives each row the shape of a picture: `(n, 1, 28, 28)`.
#
# Why tanh? Because it leaves each pixel between $-1$ and $1$, the interval of the real pictures.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Una imagen por vector latente: (n, 100) -> (n, 1, 28, 28)."""
    """en: One picture per latent vector: (n, 100) -> (n, 1, 28, 28)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(100, 256),
            nn.ReLU(),
            nn.Linear(256, 512),
            nn.ReLU(),
            nn.Linear(512, 1024),
            nn.ReLU(),
            nn.Linear(1024, 784),
            nn.Tanh(),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z).view(len(z), 1, 28, 28)
        ### END SOLUTION

# %% id="generator_check" nbgrader={"grade": true, "grade_id": "generator_check", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator", points=7) as checks:
    checks.network_structure(
        "generator.structure",
        Generator,
        input_shape=(8, 100),
        output_shape=(8, 1, 28, 28),
        parameters=1_486_352,
        points=3,
    )
    checks.network_output(
        "generator.output", Generator, input_shape=(8, 100), training=True, low=-1.0, high=1.0, points=4
    )
checks.score

# %% [markdown] id="discriminator-step-text-es" tags=["lang-es"]
# ## 3. Los pasos de entrenamiento
# ### El paso del discriminador (10 puntos)
#
# El mismo paso del laboratorio 1, ahora con imágenes. Lo que cambia: los vectores latentes son de forma `(n, 100)`. Todo tensor nuevo
# nace en el dispositivo de las imágenes reales: escribe `device=real_images.device`, no `"cpu"` ni `"cuda"`, y el mismo código corre en ambos.
#
# 1. `n = len(real_images)`: el último lote puede ser más corto;
# 2. `n` imágenes generadas, separadas con `.detach()`;
# 3. etiquetas `(n, 1)`: unos para lo real, ceros para lo generado; une lo real y lo generado con `torch.cat`;
# 4. `zero_grad()`, la pérdida con `loss_function(salida, etiquetas)`, `backward()`, `step()`; devuelve la pérdida.

# %% [markdown] id="discriminator-step-text-en" tags=["lang-en"]
# ## 3. The training steps
# ### The discriminator step (10 marks)
#
# The same step as in lab 1, now with pictures. What changes: the latent vectors have shape `(n, 100)`. Every new tensor is born on the
# device of the real pictures: write `device=real_images.device`, not `"cpu"` nor `"cuda"`, and the same code runs on both.
#
# 1. `n = len(real_images)`: the last batch may be shorter;
# 2. `n` generated pictures, cut off with `.detach()`;
# 3. labels `(n, 1)`: ones for what is real, zeros for what is generated; join real and generated ones with `torch.cat`;
# 4. `zero_grad()`, the loss with `loss_function(output, labels)`, `backward()`, `step()`; return the loss.

# %% id="discriminator_step" nbgrader={"grade": false, "grade_id": "discriminator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(discriminator, generator, optimizer_discriminator, loss_function, real_images):
    """es: Un paso de entrenamiento del discriminador; devuelve su pérdida."""
    """en: One training step of the discriminator; returns its loss."""
    ### BEGIN SOLUTION
    n = len(real_images)
    latent_samples = torch.randn((n, 100), device=real_images.device)  # (n, 100)
    generated_images = generator(latent_samples).detach()  # (n, 1, 28, 28)
    all_images = torch.cat([real_images, generated_images])  # (2n, 1, 28, 28)
    labels = torch.cat([torch.ones(n, 1), torch.zeros(n, 1)]).to(real_images.device)  # (2n, 1)

    optimizer_discriminator.zero_grad()
    loss = loss_function(discriminator(all_images), labels)
    loss.backward()
    optimizer_discriminator.step()
    return loss
    ### END SOLUTION

# %% id="discriminator_step_check" nbgrader={"grade": true, "grade_id": "discriminator_step_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("discriminator_step", points=10) as checks:
    step_checks = checks.gan_step(
        discriminator_step, updates="discriminator", latent_shape=(100,), sample_shape=(1, 28, 28)
    )
    step_checks.loss("discriminator_step.loss", points=3)
    step_checks.update("discriminator_step.update", points=3)
    step_checks.zero_grad("discriminator_step.zero_grad", points=2)
    step_checks.isolation("discriminator_step.isolation", points=2)
checks.score

# %% [markdown] id="generator-step-text-es" tags=["lang-es"]
# ### El paso del generador (9 puntos)
#
# También como en el laboratorio 1: `batch_size` vectores latentes nuevos de forma `(batch_size, 100)`, sus imágenes **sin**
# `.detach()`, y etiquetas de **unos**, porque el generador quiere que el discriminador diga «real». Para saber el dispositivo:
# `next(generator.parameters()).device`.

# %% [markdown] id="generator-step-text-en" tags=["lang-en"]
# ### The generator step (9 marks)
#
# As in lab 1 too: `batch_size` new latent vectors of shape `(batch_size, 100)`, their pictures **without** `.detach()`, and labels
# of **ones**, because the generator wants the discriminator to say “real”. To know the device: `next(generator.parameters()).device`.

# %% id="generator_step" nbgrader={"grade": false, "grade_id": "generator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generator_step(discriminator, generator, optimizer_generator, loss_function, batch_size):
    """es: Un paso de entrenamiento del generador; devuelve su pérdida."""
    """en: One training step of the generator; returns its loss."""
    ### BEGIN SOLUTION
    device = next(generator.parameters()).device
    latent_samples = torch.randn((batch_size, 100), device=device)  # (batch_size, 100)
    labels = torch.ones(batch_size, 1, device=device)

    optimizer_generator.zero_grad()
    loss = loss_function(discriminator(generator(latent_samples)), labels)
    loss.backward()
    optimizer_generator.step()
    return loss
    ### END SOLUTION

# %% id="generator_step_check" nbgrader={"grade": true, "grade_id": "generator_step_check", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator_step", points=9) as checks:
    step_checks = checks.gan_step(
        generator_step, updates="generator", latent_shape=(100,), sample_shape=(1, 28, 28)
    )
    step_checks.loss("generator_step.loss", points=3)
    step_checks.update("generator_step.update", points=3)
    step_checks.zero_grad("generator_step.zero_grad", points=1)
    step_checks.isolation("generator_step.isolation", points=2)
checks.score

# %% [markdown] id="train-text-es" tags=["lang-es"]
# El ciclo ya lo escribiste en el laboratorio 1; aquí está completo. `Batches` corta lotes de imágenes que ya están en la memoria: da lo mismo que
# un `DataLoader` con `shuffle=True`, sin ir a buscarlas una por una. Fíjate en el único lugar donde los datos pasan al dispositivo.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# You wrote the loop in lab 1; here it is complete. `Batches` cuts batches of pictures that are in memory already: it gives what a
# `DataLoader` with `shuffle=True` gives, without fetching them one by one. Look at the only place where the data go to the device.

# %% id="train"
def train(discriminator, generator, optimizers, batches, num_epochs, on_epoch_end):
    """es: Entrena ambas redes; devuelve el historial de pérdidas."""
    """en: Train both networks; return the history of losses."""
    history, loss_function = LossHistory(), nn.BCELoss()
    optimizer_discriminator, optimizer_generator = optimizers
    for epoch in progress(range(num_epochs)):
        for real_images, _ in batches:
            real_images = real_images.to(device)  # (batch_size, 1, 28, 28)
            loss_discriminator = discriminator_step(
                discriminator, generator, optimizer_discriminator, loss_function, real_images
            )
            loss_generator = generator_step(
                discriminator, generator, optimizer_generator, loss_function, len(real_images)
            )
            history.record(discriminator=loss_discriminator, generator=loss_generator)
        on_epoch_end(epoch, generator)
    return history

# %% [markdown] id="generate-text-es" tags=["lang-es"]
# ## 4. Evaluar sin entrenar
# ### Imágenes nuevas (6 puntos)
#
# Mirar una red no debe cambiarla. Dropout y normalización por lotes se portan distinto al entrenar (`train()`) y al usar la red (`eval()`),
# así que antes de usarla se pasa a modo eval, y después **se vuelve al modo en que estaba**. Escribe `generate(generator, num_images)`:
#
# 1. recuerda `generator.training` y llama a `generator.eval()`;
# 2. dentro de `torch.no_grad()`, genera `num_images` imágenes de vectores latentes `torch.randn((num_images, 100), device=...)`;
# 3. vuelve al modo de antes con `generator.train(...)` y devuelve las imágenes en la CPU.

# %% [markdown] id="generate-text-en" tags=["lang-en"]
# ## 4. Evaluating without training
# ### New pictures (6 marks)
#
# Looking at a network must not change it. Dropout and batch normalisation behave differently in training (`train()`) and in use (`eval()`), so
# before it is used the network goes to eval mode, and afterwards **back to the mode it was in**. Write `generate(generator, num_images)`:
#
# 1. remember `generator.training` and call `generator.eval()`;
# 2. inside `torch.no_grad()`, generate `num_images` pictures from latent vectors `torch.randn((num_images, 100), device=...)`;
# 3. go back to the mode from before with `generator.train(...)` and return the pictures on the CPU.

# %% id="generate" nbgrader={"grade": false, "grade_id": "generate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generate(generator, num_images):
    """es: Imágenes generadas, en la CPU y sin gradiente: (num_images, 1, 28, 28)."""
    """en: Generated pictures, on the CPU and without gradient: (num_images, 1, 28, 28)."""
    ### BEGIN SOLUTION
    was_training = generator.training
    generator.eval()
    with torch.no_grad():
        device = next(generator.parameters()).device
        images = generator(torch.randn((num_images, 100), device=device)).cpu()
    generator.train(was_training)
    return images
    ### END SOLUTION

# %% id="generate_check" nbgrader={"grade": true, "grade_id": "generate_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generate", points=6) as checks:
    small_generator = lab.supplied_generator((100,), (1, 28, 28), batch_norm=True)
    checks.fingerprint(
        "generate.images", generate, small_generator, 24, shape=(24, 1, 28, 28), detached=True, points=6
    )
checks.score

# %% [markdown] id="score-text-es" tags=["lang-es"]
# ### ¿Qué cree el discriminador? (5 puntos)
#
# $D(x)$ cerca de 1 y $D(G(z))$ cerca de 0 significan que el discriminador gana y al generador le queda poco de qué aprender. Escribe
# `mean_score(discriminator, images)`: la media de las salidas del discriminador para esas imágenes, como **número de Python**, en modo
# eval y sin gradiente; al terminar, la red vuelve al modo en que estaba.

# %% [markdown] id="score-text-en" tags=["lang-en"]
# ### What does the discriminator believe? (5 marks)
#
# $D(x)$ near 1 and $D(G(z))$ near 0 mean that the discriminator wins and the generator has little left to learn from. Write
# `mean_score(discriminator, images)`: the mean of the discriminator's outputs for those pictures, as a **Python number**, in eval
# mode and without gradient; in the end the network is back in the mode it was in.

# %% id="mean_score" nbgrader={"grade": false, "grade_id": "mean_score", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_score(discriminator, images):
    """es: Media de las salidas del discriminador, sin dropout ni gradiente."""
    """en: Mean output of the discriminator, without dropout and gradient."""
    ### BEGIN SOLUTION
    was_training = discriminator.training
    discriminator.eval()
    with torch.no_grad():
        score = discriminator(images).mean().item()
    discriminator.train(was_training)
    return score
    ### END SOLUTION

# %% id="mean_score_check" nbgrader={"grade": true, "grade_id": "mean_score_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("mean_score", points=5) as checks:
    small_discriminator = lab.supplied_discriminator((1, 28, 28))
    cases = [
        (small_discriminator, lab.supplied_samples((size, 1, 28, 28), f"images {size}"))
        for size in (4, 6, 9, 13)
    ]
    checks.scalars("mean_score.values", mean_score, cases, points=5)
checks.score

# %% [markdown] id="ruler-text-es" tags=["lang-es"]
# ### La regla para medir
#
# Para no decir solo «se ve bien», una red pequeña aprende a **reconocer** dígitos en unos segundos. Con ella medimos mil imágenes generadas:
#
# - **clases**: cuántos de los diez dígitos aparecen en al menos el 1 % de las imágenes. Un generador colapsado da pocas;
# - **confianza**: qué tan segura está la red de lo que ve; en dígitos reales, casi 1;
# - **distancia** de Fréchet entre las características de lo generado y de lo real: 0 si las distribuciones son iguales. Es la idea del FID, con
#   nuestro clasificador en vez de Inception; por eso solo compara cosas medidas con esta misma regla.
#
# La primera medida es la de los dígitos reales contra otros reales: lo mejor que se puede esperar.

# %% [markdown] id="ruler-text-en" tags=["lang-en"]
# ### The ruler
#
# So as not to say just “it looks good”, a small network learns to **recognise** digits in a few seconds. With it we measure a
# thousand generated pictures:
#
# - **classes**: how many of the ten digits at least 1 % of the pictures show. A collapsed generator gives few;
# - **confidence**: how sure the network is of what it sees; for real digits, nearly 1;
# - Fréchet **distance** between the features of generated and of real pictures: 0 if the distributions are equal. It is the idea of the FID,
#   with our classifier in place of Inception; so it only compares things measured with this same ruler.
#
# The first measurement is that of real digits against other real ones: the best that can be expected.

# %% id="ruler"
torch.manual_seed(0)
shuffled = digits.images[torch.randperm(len(digits))]
half = min(1000, len(digits) // 2)
classifier = fit_digit_classifier(digits.images, digits.labels)
real_quality = digit_quality(shuffled[-half:], shuffled[:half], classifier)
print(f"exactitud del clasificador: {classifier.accuracy:.1%}")  # es
print("reales:", real_quality)  # es
print(f"accuracy of the classifier: {classifier.accuracy:.1%}")  # en
print("real:", real_quality)  # en

# %% id="measure"
def measure(generator):
    """es: Mide tantas imágenes generadas como reales se midieron."""
    """en: Measure as many generated pictures as real ones were measured."""
    return digit_quality(generate(generator, half), shuffled[:half], classifier)

# %% [markdown] id="original-text-es" tags=["lang-es"]
# ## 5. El original, con un presupuesto corto
#
# Así se entrenaba: Adam con `lr=0.0001` y lotes de 32. Con 50 épocas de 60 000 imágenes da dígitos, al cabo de unos cien minutos en una CPU. ¿Y
# con unos pocos cientos de pasos?

# %% [markdown] id="original-text-en" tags=["lang-en"]
# ## 5. The original, on a short budget
#
# This is how it was trained: Adam with `lr=0.0001` and batches of 32. With 50 epochs of 60,000 pictures it gives digits, after some
# hundred minutes on a CPU. And with a few hundred steps?

# %% id="run-original" tags=["raises-exception"]
torch.manual_seed(111)
discriminator, generator = Discriminator().to(device), Generator().to(device)
optimizers = [torch.optim.Adam(network.parameters(), lr=0.0001) for network in (discriminator, generator)]
batches = Batches(real_images, digits.labels, batch_size=32)
num_epochs = math.ceil(budget(cpu=456, cuda=456, grading=1, device=device) / len(batches))
original_history = train(
    discriminator, generator, optimizers, batches, num_epochs, lambda epoch, generator: None
)
original_history

# %% id="plot-original" tags=["raises-exception"]
original_images = generate(generator, 32)
title = "Generador original, presupuesto corto"  # es
title = "Original generator, short budget"  # en
image_grid(original_images, title=title)

# %% id="curves-original" tags=["raises-exception"]
title, steps, loss = "Pérdidas del original", "paso", "pérdida"  # es
title, steps, loss = "Losses of the original", "step", "loss"  # en
loss_curves(original_history, title=title, xlabel=steps, ylabel=loss)

# %% id="quality-original" tags=["raises-exception"]
original_quality = measure(generator)
print(f"D(x) = {mean_score(discriminator, real_images[:half].to(device)):.2f}")
print(f"D(G(z)) = {mean_score(discriminator, generate(generator, half).to(device)):.2f}")
print("generadas:", original_quality)  # es
print("generated:", original_quality)  # en

# %% [markdown] id="collapse-text-es" tags=["lang-es"]
# **Colapso.** Todas las imágenes son casi la misma mancha, y las cifras lo dicen: muy pocas clases y una distancia enorme. Cuidado con la
# confianza: puede ser alta, porque el clasificador siempre elige algo. ¿Qué pasó? Con datos tan fáciles de separar de una mancha, el
# discriminador acierta casi siempre: su pérdida baja casi a cero, la del generador crece. La sigmoide está en su zona plana
# y el gradiente que llega al generador dice poco sobre **cómo** mejorar. Además, todas las imágenes de un lote reciben
# el mismo consejo, y nada les pide ser distintas entre sí.

# %% [markdown] id="collapse-text-en" tags=["lang-en"]
# **Collapse.** All pictures are nearly the same blot, and the figures say so: very few classes and a huge distance. Beware of the
# confidence: it may be high, because the classifier always chooses something. What happened? Since the data are so easy to tell from a blot,
# the discriminator is nearly always right: its loss falls almost to zero, that of the generator grows. The sigmoid is in its flat part,
# and the gradient that reaches the generator says little about **how** to improve. Besides, all pictures of a batch
# get the same advice, and nothing asks them to differ from each other.

# %% [markdown] id="better-generator-text-es" tags=["lang-es"]
# ## 6. La reparación
# ### Un generador que mantiene vivo el gradiente (7 puntos)
#
# Dos cambios conocidos (Radford et al., 2016), que además permiten una red más pequeña:
#
# - **normalización por lotes** después de cada capa lineal oculta: centra y escala cada neurona según el lote, así que ninguna se satura y las
#   imágenes de un lote no pueden volverse todas iguales tan fácilmente;
# - **LeakyReLU** con pendiente 0.2 en vez de ReLU: también los valores negativos dejan pasar algo de gradiente.
#
# Escribe `BetterGenerator`: lineales 100 → 128 → 256 → 512, cada una seguida de `nn.BatchNorm1d` y `nn.LeakyReLU(0.2)`, **en ese
# orden**; después lineal → 784 con tanh, **sin** normalización en la salida: la haría imposible de ajustar a los píxeles.

# %% [markdown] id="better-generator-text-en" tags=["lang-en"]
# ## 6. The repair
# ### A generator that keeps the gradient alive (7 marks)
#
# Two well-known changes (Radford et al., 2016), which also allow a smaller network:
#
# - **batch normalisation** after each hidden linear layer: it centres and scales each unit by the batch, so none saturates and the
#   pictures of a batch cannot become all the same as easily;
# - **LeakyReLU** with slope 0.2 in place of ReLU: negative values let some gradient through too.
#
# Write `BetterGenerator`: linear 100 → 128 → 256 → 512, each followed by `nn.BatchNorm1d` and `nn.LeakyReLU(0.2)`, **in that order**; then
# linear → 784 with tanh, **without** normalisation at the output: the pixels could no longer be fitted.

# %% id="better_generator" nbgrader={"grade": false, "grade_id": "better_generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class BetterGenerator(nn.Module):
    """es: Una imagen por vector latente: (n, 100) -> (n, 1, 28, 28)."""
    """en: One picture per latent vector: (n, 100) -> (n, 1, 28, 28)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(100, 128),
            nn.BatchNorm1d(128),
            nn.LeakyReLU(0.2),
            nn.Linear(128, 256),
            nn.BatchNorm1d(256),
            nn.LeakyReLU(0.2),
            nn.Linear(256, 512),
            nn.BatchNorm1d(512),
            nn.LeakyReLU(0.2),
            nn.Linear(512, 784),
            nn.Tanh(),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z).view(len(z), 1, 28, 28)
        ### END SOLUTION

# %% id="better_generator_check" nbgrader={"grade": true, "grade_id": "better_generator_check", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
with lab.marks("better_generator", points=7) as checks:
    checks.network_structure(
        "better_generator.structure",
        BetterGenerator,
        input_shape=(8, 100),
        output_shape=(8, 1, 28, 28),
        parameters=581_520,
        points=2,
    )
    checks.network_output(
        "better_generator.training", BetterGenerator, input_shape=(8, 100), training=True, points=3
    )
    checks.network_output("better_generator.evaluation", BetterGenerator, input_shape=(8, 100), points=2)
checks.score

# %% [markdown] id="better-discriminator-text-es" tags=["lang-es"]
# ### Un discriminador menos aplastante (5 puntos)
#
# `BetterDiscriminator` es más pequeño: lineales 784 → 512 → 256, cada una con LeakyReLU de pendiente 0.2 y dropout 0.3, y una salida
# con sigmoide. Con LeakyReLU, el gradiente que recibe el generador atraviesa todas las neuronas. Aquí **no** hay normalización por lotes.

# %% [markdown] id="better-discriminator-text-en" tags=["lang-en"]
# ### A less crushing discriminator (5 marks)
#
# `BetterDiscriminator` is smaller: linear 784 → 512 → 256, each with LeakyReLU of slope 0.2 and dropout 0.3, and one output with a
# sigmoid. With LeakyReLU, the gradient that the generator receives passes through all units. There is **no** batch normalisation here.

# %% id="better_discriminator" nbgrader={"grade": false, "grade_id": "better_discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class BetterDiscriminator(nn.Module):
    """es: Probabilidad de que una imagen sea real: (n, 1, 28, 28) -> (n, 1)."""
    """en: Probability that a picture is real: (n, 1, 28, 28) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(784, 512),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Linear(512, 256),
            nn.LeakyReLU(0.2),
            nn.Dropout(0.3),
            nn.Linear(256, 1),
            nn.Sigmoid(),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.model(x.view(len(x), 784))
        ### END SOLUTION

# %% id="better_discriminator_check" nbgrader={"grade": true, "grade_id": "better_discriminator_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("better_discriminator", points=5) as checks:
    checks.network_structure(
        "better_discriminator.structure",
        BetterDiscriminator,
        input_shape=(8, 1, 28, 28),
        output_shape=(8, 1),
        parameters=533_505,
        points=1,
    )
    checks.network_output(
        "better_discriminator.output",
        BetterDiscriminator,
        input_shape=(8, 1, 28, 28),
        low=0.0,
        high=1.0,
        points=2,
    )
    checks.dropout("better_discriminator.dropout", BetterDiscriminator, input_shape=(16, 1, 28, 28), points=2)
checks.score

# %% [markdown] id="optimizers-text-es" tags=["lang-es"]
# ### Optimizadores con menos inercia (4 puntos)
#
# Adam promedia los gradientes pasados; `betas[0]` dice cuánto pesan. En una GAN el rival cambia a cada paso y los consejos viejos
# estorban, por eso se baja de 0.9 a 0.5. Escribe `make_optimizers(discriminator, generator)`: devuelve **dos** Adam, primero
# el del discriminador y después el del generador, con `lr=0.0005` y `betas=(0.5, 0.999)`.

# %% [markdown] id="optimizers-text-en" tags=["lang-en"]
# ### Optimisers with less inertia (4 marks)
#
# Adam averages past gradients; `betas[0]` says how much they weigh. In a GAN the opponent changes at every step and old advice gets in the
# way, so it is lowered from 0.9 to 0.5. Write `make_optimizers(discriminator, generator)`: it returns **two** Adams, first the
# discriminator's and then the generator's, with `lr=0.0005` and `betas=(0.5, 0.999)`.

# %% id="make_optimizers" nbgrader={"grade": false, "grade_id": "make_optimizers", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_optimizers(discriminator, generator):
    """es: Los optimizadores del discriminador y del generador, en ese orden."""
    """en: The optimisers of the discriminator and of the generator, in that order."""
    ### BEGIN SOLUTION
    settings = {"lr": 0.0005, "betas": (0.5, 0.999)}
    optimizer_discriminator = torch.optim.Adam(discriminator.parameters(), **settings)
    optimizer_generator = torch.optim.Adam(generator.parameters(), **settings)
    return optimizer_discriminator, optimizer_generator
    ### END SOLUTION

# %% id="make_optimizers_check" nbgrader={"grade": true, "grade_id": "make_optimizers_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("make_optimizers", points=4) as checks:
    checks.optimizers(
        "make_optimizers.settings",
        make_optimizers,
        lr=0.0005,
        betas=(0.5, 0.999),
        latent_shape=(100,),
        sample_shape=(1, 28, 28),
        points=4,
    )
checks.score

# %% [markdown] id="run-text-es" tags=["lang-es"]
# ### A entrenar
#
# Los mismos pasos y el mismo ciclo, con las redes y los optimizadores nuevos. Cada pocas épocas guardamos un cuadro de la película, siempre
# con los mismos 32 vectores latentes: así, lo que cambie se debe al entrenamiento y no al azar. El presupuesto se cuenta en **pasos**, no en
# épocas: una época de MNIST tiene 33 veces más lotes que una de los dígitos pequeños.

# %% [markdown] id="run-text-en" tags=["lang-en"]
# ### Training
#
# The same steps and the same loop, with the new networks and optimisers. Every few epochs we keep a frame of the film, always with the same
# 32 latent vectors: so whatever changes is due to training and not to chance. The budget is counted in **steps**, not in epochs: an epoch
# of MNIST has 33 times as many batches as one of the small digits.

# %% id="run" tags=["raises-exception"]
torch.manual_seed(111)
discriminator, generator = BetterDiscriminator().to(device), BetterGenerator().to(device)
batches = Batches(real_images, digits.labels, batch_size=64)
num_epochs = math.ceil(budget(cpu=2900, cuda=20_000, grading=1, device=device) / len(batches))
fixed_latent = torch.randn(32, 100, device=device)  # (32, 100)
film, snapshots = ImageGifRecorder(), []


def film_epoch(epoch, generator):
    if epoch % max(1, num_epochs // 20) == 0 or epoch == num_epochs - 1:
        title = f"Época {epoch + 1}"  # es
        title = f"Epoch {epoch + 1}"  # en
        generator.eval()
        with torch.no_grad():
            images = generator(fixed_latent).cpu()  # (32, 1, 28, 28)
        generator.train()
        film.add(images, title)
        snapshots.append(images[:8])


history = train(
    discriminator, generator, make_optimizers(discriminator, generator), batches, num_epochs, film_epoch
)
history

# %% id="film" tags=["raises-exception"]
film.save("lab2_mnist_gan.gif")

# %% [markdown] id="snapshots-text-es" tags=["lang-es"]
# Para quien lee en papel: los mismos ocho vectores latentes, fila a fila a lo largo del entrenamiento.

# %% [markdown] id="snapshots-text-en" tags=["lang-en"]
# For those who read on paper: the same eight latent vectors, row by row along the training.

# %% id="snapshots" tags=["raises-exception"]
title = "Ocho vectores latentes, del comienzo (arriba) al final"  # es
title = "Eight latent vectors, from the beginning (top) to the end"  # en
image_grid(torch.cat(snapshots[:: max(1, len(snapshots) // 5)]), title=title)

# %% id="plot-generated" tags=["raises-exception"]
title = "Generador reparado"  # es
title = "Repaired generator"  # en
image_grid(generate(generator, 32), title=title)

# %% id="curves" tags=["raises-exception"]
title, steps, loss = "Pérdidas después de la reparación", "paso", "pérdida"  # es
title, steps, loss = "Losses after the repair", "step", "loss"  # en
loss_curves(history, title=title, xlabel=steps, ylabel=loss)

# %% id="quality" tags=["raises-exception"]
quality = measure(generator)
print(f"D(x) = {mean_score(discriminator, real_images[:half].to(device)):.2f}")
print(f"D(G(z)) = {mean_score(discriminator, generate(generator, half).to(device)):.2f}")
print("original: ", original_quality)
print("reparada: ", quality)  # es
print("repaired: ", quality)  # en

# %% [markdown] id="bars-text-es" tags=["lang-es"]
# ¿Salen todos los dígitos con la misma frecuencia? En los datos reales, cada uno tiene alrededor del 10 %.

# %% [markdown] id="bars-text-en" tags=["lang-en"]
# Do all digits come up equally often? In the real data each has about 10 %.

# %% id="bars" tags=["raises-exception"]
real_shares = (digits.labels.bincount(minlength=10) / len(digits)).tolist()
names, axes = ("real", "generado"), ("dígito", "parte de las imágenes")  # es
title = "Con qué frecuencia sale cada dígito"  # es
names, axes = ("real", "generated"), ("digit", "share of the pictures")  # en
title = "How often each digit comes up"  # en
class_bars(
    {names[0]: real_shares, names[1]: quality.shares}, title=title, xlabel=axes[0], ylabel=axes[1]
)

# %% [markdown] id="honest-text-es" tags=["lang-es"]
# Las cifras mejoraron mucho, y aun así la confianza queda por debajo de la de los dígitos reales y la distancia lejos de la que hay entre
# reales: hay trazos rotos y ruido entre píxeles vecinos, porque una red densa no sabe que dos píxeles son vecinos. De eso se ocupa el laboratorio 3.

# %% [markdown] id="honest-text-en" tags=["lang-en"]
# The figures improved a lot, and still the confidence stays below that of real digits and the distance far from the one between
# real ones: there are broken strokes and noise between neighbouring pixels, because a dense network does not know that two pixels are neighbours. Lab 3 takes care of that.

# %% [markdown] id="questions-text-es" tags=["lang-es"]
# ## 7. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (7 puntos).** ¿Qué diferencias hay entre los modelos del laboratorio 1 y los originales de este, y a qué se debe cada una?

# %% [markdown] id="questions-text-en" tags=["lang-en"]
# ## 7. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (7 marks).** How do the models of lab 1 differ from the original ones of this lab, and what is the reason of each difference?

# %% [markdown] id="question_models" nbgrader={"grade": true, "grade_id": "question_models", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Las redes son mucho mayores porque cada dato tiene 784 números y no 2; el espacio latente pasa de 2 a 100 dimensiones para dar variedad a las imágenes; la salida lleva tanh porque los píxeles están entre -1 y 1, mientras que un ángulo puede ser cualquier número; la tasa de aprendizaje baja de 0.001 a 0.0001; y hay que aplanar la imagen y devolverle su forma.
# ### END SOLUTION

# %% [markdown] id="question-quality-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** ¿Qué tan bien se crearon las imágenes, antes y después de la reparación? Argumenta con las tres cifras y con lo que
# ves, y di qué cifra engaña si se mira sola.

# %% [markdown] id="question-quality-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** How well were the pictures made, before and after the repair? Argue with the three figures and with what
# you see, and say which figure deceives when it is looked at alone.

# %% [markdown] id="question_quality" nbgrader={"grade": true, "grade_id": "question_quality", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Antes, todas las imágenes eran la misma mancha: una clase y una distancia de decenas. Después salen los diez dígitos, casi todos legibles, y la distancia baja a pocas unidades, todavía varias veces la que hay entre reales. La confianza sola engaña: la mancha también obtuvo una confianza alta, siempre para la misma clase; y contar clases favorece a imágenes borrosas.
# ### END SOLUTION

# %% [markdown] id="question-improve-text-es" tags=["lang-es"]
# **Pregunta 3 (8 puntos).** Explica por qué colapsó el original y cómo ayuda a evitarlo cada cambio de la reparación. ¿Qué cambiarías todavía?

# %% [markdown] id="question-improve-text-en" tags=["lang-en"]
# **Question 3 (8 marks).** Explain why the original collapsed and how each change of the repair helps to avoid it. What else would you change?

# %% [markdown] id="question_improve" nbgrader={"grade": true, "grade_id": "question_improve", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# El discriminador aprendió más rápido que el generador y acertaba siempre, así que el gradiente decía poco. La normalización por lotes evita que las neuronas se saturen y que las imágenes de un lote se vuelvan iguales; LeakyReLU deja pasar gradiente por todas las neuronas; betas 0.5 olvida antes los consejos viejos; un discriminador más pequeño con dropout deja margen al generador. Todavía usaría capas convolucionales, que saben qué píxeles son vecinos, y más imágenes.
# ### END SOLUTION

# %% [markdown] id="question-gif-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** Describe lo que se ve en la película: el comienzo, cómo evolucionan las imágenes y qué les falta al final.

# %% [markdown] id="question-gif-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** Describe what the film shows: the beginning, how the pictures evolve, and what they lack in the end.

# %% [markdown] id="question_gif" nbgrader={"grade": true, "grade_id": "question_gif", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Al comienzo hay ruido gris. A las pocas épocas aparece una mancha clara en el centro, después trazos que recuerdan a un 1, un 0 o un 3, y de ahí en adelante los trazos se afinan y algunos vectores cambian de dígito. Al final la mayoría se lee, pero quedan puntos sueltos, trazos cortados y formas entre dos dígitos.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Imágenes para una GAN: canal, $[-1, 1]$, tanh al final del generador.
# - Los tensores nacen en el dispositivo de los datos; la red se mueve una vez, los lotes uno a uno.
# - Para mirar una red: `eval()`, `no_grad()`, y de vuelta al modo de antes.
# - Un discriminador que acierta siempre enseña poco: normalización por lotes, LeakyReLU y `betas=(0.5, 0.999)` equilibran el juego.
# - Clases, confianza y distancia juntas; ninguna basta sola.
#
# **Para seguir explorando (sin puntos).** ¿Cuál de los tres cambios importa más? Quita uno a la vez. ¿Qué da el original con 20 veces más pasos?
# Prueba `load_digits("mnist")` con una GPU.

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Pictures for a GAN: a channel, $[-1, 1]$, tanh at the end of the generator.
# - Tensors are born on the device of the data; the network moves once, the batches one by one.
# - To look at a network: `eval()`, `no_grad()`, and back to the mode from before.
# - A discriminator that is always right teaches little: batch normalisation, LeakyReLU and `betas=(0.5, 0.999)` balance the game.
# - Classes, confidence and distance together; none is enough alone.
#
# **To explore further (no marks).** Which of the three changes matters most? Take one away at a time. What does the original give with
# 20 times as many steps? Try `load_digits("mnist")` on a GPU.

# %% id="summary"
lab.summary()
