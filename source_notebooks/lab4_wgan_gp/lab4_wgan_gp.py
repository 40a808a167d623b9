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
# # Laboratorio 4: WGAN-GP, una pérdida que dice algo
#
# Las pérdidas de los laboratorios anteriores subían y bajaban sin decir si las imágenes mejoraban. Una **WGAN** (Arjovsky et al., 2017)
# cambia la pregunta: ya no «¿real o falsa?», sino «¿cuánto trabajo cuesta convertir lo generado en lo real?». La **penalización del
# gradiente** (WGAN-GP, Gulrajani et al., 2017) hace que entrene bien.
#
# Al terminar sabrás escribir las pérdidas de Wasserstein, derivar a través de una derivada, entrenar un crítico varias veces por cada paso del
# generador, leer las cuatro curvas, exportar imágenes para otro experimento y buscar señales de memorización.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se vio y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 4: WGAN-GP, a loss that says something
#
# The losses of the labs before went up and down without telling whether the pictures got better. A **WGAN** (Arjovsky et al., 2017)
# asks another question: no longer “real or fake?”, but “how much work does it take to turn the generated into the real?”. The **gradient
# penalty** (WGAN-GP, Gulrajani et al., 2017) is what makes it train well.
#
# By the end you will be able to write the Wasserstein losses, to differentiate through a derivative, to train a critic several times per
# step of the generator, to read the four curves, to export pictures for another experiment and to look for signs of memorisation.
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
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance
from torch import nn

from autograder import open_lab
from course.budget import budget
from course.data import Batches, load_brains, split_brains
from course.device import describe_device, get_device
from course.metrics import nearest_neighbours, sliced_wasserstein
from course.plots import ImageGifRecorder, curves, histograms, image_grid
from course.training import History, progress

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab4_wgan_gp", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab4_wgan_gp", language="en", device=device)
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
# Cortes de cerebro en gris, con tumor y sin él. Sin descarga son **fantomas**: dibujos con semilla que imitan cráneo, sustancia gris y blanca,
# ventrículos y lesiones. Si `COURSE_DATA` contiene la carpeta `brain_tumor_dataset`, son resonancias reales. Se parten enseguida: el
# laboratorio 6 necesitará imágenes de prueba que ninguna GAN haya visto. Aquí se entrena con una sola clase, como en el original.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The data
#
# Brain sections in grey, with and without a tumour. Without a download they are **phantoms**: seeded drawings that imitate skull, grey and white
# matter, ventricles and lesions. If `COURSE_DATA` holds the folder `brain_tumor_dataset`, they are real MRI pictures. They are split at once: lab
# 6 will need test pictures that no GAN has seen. Here one class is trained on, as in the original.

# %% id="data"
CLASS = "yes"  # "yes" or "no"
training, test = split_brains(load_brains())
real_images = training.of_class(CLASS)  # (n, 1, 32, 32), in [-1, 1]
test_images = test.of_class(CLASS)
title = f"{len(real_images)} imágenes de entrenamiento, algunas de ellas"  # es
title = f"Some of {len(real_images)} training pictures"  # en
image_grid(real_images[:24], title=title)

# %% [markdown] id="distance-text-es" tags=["lang-es"]
# ## 2. Otra distancia
#
# Mientras lo generado y lo real no se tocan, la divergencia de Jensen–Shannon, que está detrás de la pérdida de las GAN originales, vale
# siempre lo mismo: no dice hacia dónde moverse. La distancia de **Wasserstein** es el trabajo mínimo de mover un montón de tierra hasta que tenga la
# forma del otro, cantidad por camino: crece con la separación. La celda mide ambas entre dos montones iguales, cada vez más separados.

# %% [markdown] id="distance-text-en" tags=["lang-en"]
# ## 2. Another distance
#
# As long as generated and real samples do not touch, the Jensen–Shannon divergence, which is behind the loss of the original GANs, has
# always the same value: it does not say where to move. The **Wasserstein** distance is the least work of moving one heap of earth until it has the
# shape of the other, amount times distance: it grows with the separation. The cell measures both between two equal heaps, further and further apart.

# %% id="distance"
bins = torch.arange(60)
heap = ((bins >= 5) & (bins < 15)).double()  # ten bins of equal height
shifts = range(41)
moved = [torch.roll(heap, shift) for shift in shifts]
divergence = [jensenshannon(heap, other) ** 2 for other in moved]  # at most ln 2
distance = [wasserstein_distance(bins, bins, heap, other) / 40 for other in moved]
title, xlabel, ylabel = "Dos montones que se separan", "separación", "distancia"  # es
title, xlabel, ylabel = "Two heaps that move apart", "separation", "distance"  # en
curves({"Jensen–Shannon": divergence, "Wasserstein / 40": distance}, title=title, xlabel=xlabel, ylabel=ylabel)

# %% [markdown] id="losses-text-es" tags=["lang-es"]
# ## 3. Las pérdidas (6 puntos)
#
# Calcular esa distancia entre imágenes es imposible; estimarla, no. Por la dualidad de Kantorovich y Rubinstein es la mayor diferencia
# $\mathbb{E}[D(x)] - \mathbb{E}[D(G(z))]$ que logra una función $D$ que no crece más rápido que la distancia entre imágenes (es **1-Lipschitz**). $D$ ya no
# da probabilidades sino **puntuaciones**, números cualesquiera: se llama **crítico**.
#
# - El crítico maximiza la diferencia; como minimizamos, su pérdida es $\operatorname{media}(D(G(z))) - \operatorname{media}(D(x))$.
# - El generador quiere puntuaciones altas: $-\operatorname{media}(D(G(z)))$.
#
# Escribe ambas. Reciben puntuaciones de forma `(n, 1)` y devuelven un tensor con un número, por el que pasan gradientes.

# %% [markdown] id="losses-text-en" tags=["lang-en"]
# ## 3. The losses (6 marks)
#
# To compute that distance between pictures is impossible; to estimate it is not. By the duality of Kantorovich and Rubinstein it is the largest difference
# $\mathbb{E}[D(x)] - \mathbb{E}[D(G(z))]$ that a function $D$ achieves which grows no faster than the distance between pictures (it is **1-Lipschitz**). $D$ no
# longer gives probabilities but **scores**, any numbers: it is called a **critic**.
#
# - The critic maximises the difference; as we minimise, its loss is $\operatorname{mean}(D(G(z))) - \operatorname{mean}(D(x))$.
# - The generator wants high scores: $-\operatorname{mean}(D(G(z)))$.
#
# Write both. They receive scores of shape `(n, 1)` and return a tensor with one number, which gradients flow through.

# %% id="losses" nbgrader={"grade": false, "grade_id": "losses", "locked": false, "schema_version": 3, "solution": true, "task": false}
def critic_loss(scores_real, scores_fake):
    """es: Pérdida de Wasserstein del crítico."""
    """en: Wasserstein loss of the critic."""
    ### BEGIN SOLUTION
    return scores_fake.mean() - scores_real.mean()
    ### END SOLUTION


def generator_loss(scores_fake):
    """es: Pérdida de Wasserstein del generador."""
    """en: Wasserstein loss of the generator."""
    ### BEGIN SOLUTION
    return -scores_fake.mean()
    ### END SOLUTION

# %% id="losses_check" nbgrader={"grade": true, "grade_id": "losses_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("losses", points=6) as checks:
    checks.loss(
        "losses.critic", critic_loss, lab.supplied_batches("real", "fake", sample_shape=(1,)), points=3
    )
    checks.loss("losses.generator", generator_loss, lab.supplied_batches("fake", sample_shape=(1,)), points=3)
checks.score

# %% [markdown] id="critic-text-es" tags=["lang-es"]
# ## 4. El crítico (7 puntos)
#
# | capa | canales | núcleo, paso, borde | salida | después |
# |---|---|---|---|---|
# | convolución 1 | 1 → 16 | 4, 2, 1 | 16 × 16 × 16 | LeakyReLU 0.2 |
# | convolución 2 | 16 → 32 | 4, 2, 1 | 32 × 8 × 8 | LeakyReLU 0.2 |
# | convolución 3 | 32 → 64 | 4, 2, 1 | 64 × 4 × 4 | LeakyReLU 0.2 |
# | lineal | 1024 → 1 | | 1 | nada |
#
# **Sin sigmoide**: una puntuación es cualquier número. **Sin normalización por lotes**: la penalización mira cómo cambia la puntuación de *una* imagen cuando
# cambia esa imagen, y con BatchNorm cambiarían también las de las demás. Las convoluciones llevan sesgo.

# %% [markdown] id="critic-text-en" tags=["lang-en"]
# ## 4. The critic (7 marks)
#
# | layer | channels | kernel, stride, padding | output | followed by |
# |---|---|---|---|---|
# | convolution 1 | 1 → 16 | 4, 2, 1 | 16 × 16 × 16 | LeakyReLU 0.2 |
# | convolution 2 | 16 → 32 | 4, 2, 1 | 32 × 8 × 8 | LeakyReLU 0.2 |
# | convolution 3 | 32 → 64 | 4, 2, 1 | 64 × 4 × 4 | LeakyReLU 0.2 |
# | linear | 1024 → 1 | | 1 | nothing |
#
# **No sigmoid**: a score is any number. **No batch normalisation**: the penalty looks at how the score of *one* picture changes when
# that picture changes, and with BatchNorm those of the others would change too. The convolutions have biases.

# %% id="critic" nbgrader={"grade": false, "grade_id": "critic", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Critic(nn.Module):
    """es: Puntuación de cada imagen: (n, 1, 32, 32) -> (n, 1)."""
    """en: Score of each picture: (n, 1, 32, 32) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Conv2d(1, 16, 4, 2, 1),  # (n, 16, 16, 16)
            nn.LeakyReLU(0.2),
            nn.Conv2d(16, 32, 4, 2, 1),  # (n, 32, 8, 8)
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, 4, 2, 1),  # (n, 64, 4, 4)
            nn.LeakyReLU(0.2),
            nn.Flatten(),  # (n, 1024)
            nn.Linear(1024, 1),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.model(x)
        ### END SOLUTION

# %% id="critic_check" nbgrader={"grade": true, "grade_id": "critic_check", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
with lab.marks("critic", points=7) as checks:
    checks.network_structure(
        "critic.structure",
        Critic,
        input_shape=(1, 1, 32, 32),
        output_shape=(1, 1),
        parameters=42_353,
        points=3,
    )
    checks.network_output("critic.training", Critic, input_shape=(5, 1, 32, 32), training=True, points=4)
checks.score

# %% [markdown] id="batch-norm-text-es" tags=["lang-es"]
# Míralo: se cambia **solo la primera** imagen de un lote, y se mide cuánto cambia la puntuación de cada una, sin y con normalización por lotes.

# %% [markdown] id="batch-norm-text-en" tags=["lang-en"]
# See for yourself: **only the first** picture of a batch is changed, and how much each score changes is measured, without and with batch normalisation.

# %% id="batch-norm" tags=["raises-exception"]
def changes(critic):
    """es: Cambio de cada puntuación cuando cambia la primera imagen."""
    """en: Change of each score when the first picture changes."""
    other = real_images[:4].clone()
    other[0] = -other[0]
    with torch.no_grad():
        return [round(number, 4) for number in (critic(other) - critic(real_images[:4])).flatten().tolist()]


torch.manual_seed(3)
print("Critic:   ", changes(Critic()))
print("BatchNorm:", changes(nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(2048, 1))))

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ## 5. El generador (6 puntos)
#
# Como el original, comienza con una capa densa que se reordena en una imagen pequeña de muchos canales. El vector latente es `(n, 64)`.
#
# | capa | tamaños; núcleo, paso, borde | salida | después |
# |---|---|---|---|
# | lineal | 64 → 1024 | 1024 | LeakyReLU 0.2 y forma `(n, 64, 4, 4)` |
# | transpuesta 1 | 64 → 32; 4, 2, 1; sin sesgo | 32 × 8 × 8 | BatchNorm2d, LeakyReLU 0.2 |
# | transpuesta 2 | 32 → 16; 4, 2, 1; sin sesgo | 16 × 16 × 16 | BatchNorm2d, LeakyReLU 0.2 |
# | transpuesta 3 | 16 → 1; 4, 2, 1; con sesgo | 1 × 32 × 32 | tanh |
#
# El generador sí puede llevar normalización por lotes: la penalización solo mira al crítico. Pista: `nn.Unflatten(1, (64, 4, 4))`.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ## 5. The generator (6 marks)
#
# Like the original, it begins with a dense layer that is rearranged into a small picture of many channels. The latent vector is `(n, 64)`.
#
# | layer | sizes; kernel, stride, padding | output | followed by |
# |---|---|---|---|
# | linear | 64 → 1024 | 1024 | LeakyReLU 0.2 and shape `(n, 64, 4, 4)` |
# | transposed 1 | 64 → 32; 4, 2, 1; no bias | 32 × 8 × 8 | BatchNorm2d, LeakyReLU 0.2 |
# | transposed 2 | 32 → 16; 4, 2, 1; no bias | 16 × 16 × 16 | BatchNorm2d, LeakyReLU 0.2 |
# | transposed 3 | 16 → 1; 4, 2, 1; with bias | 1 × 32 × 32 | tanh |
#
# The generator may well have batch normalisation: the penalty looks at the critic only. Hint: `nn.Unflatten(1, (64, 4, 4))`.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Una imagen por vector latente: (n, 64) -> (n, 1, 32, 32)."""
    """en: One picture per latent vector: (n, 64) -> (n, 1, 32, 32)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Linear(64, 1024),
            nn.LeakyReLU(0.2),
            nn.Unflatten(1, (64, 4, 4)),  # (n, 64, 4, 4)
            nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),  # (n, 32, 8, 8)
            nn.BatchNorm2d(32),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False),  # (n, 16, 16, 16)
            nn.BatchNorm2d(16),
            nn.LeakyReLU(0.2),
            nn.ConvTranspose2d(16, 1, 4, 2, 1),  # (n, 1, 32, 32)
            nn.Tanh(),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z)
        ### END SOLUTION

# %% id="generator_check" nbgrader={"grade": true, "grade_id": "generator_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator", points=6) as checks:
    checks.network_structure(
        "generator.structure",
        Generator,
        input_shape=(4, 64),
        output_shape=(4, 1, 32, 32),
        parameters=107_873,
        points=2,
    )
    checks.network_output(
        "generator.training", Generator, input_shape=(4, 64), training=True, low=-1.0, high=1.0, points=2
    )
    checks.network_output("generator.evaluation", Generator, input_shape=(4, 64), points=2)
checks.score

# %% [markdown] id="clipping-text-es" tags=["lang-es"]
# ## 6. ¿Cómo lograr que el crítico sea 1-Lipschitz?
# ### El primer intento: recortar los pesos (4 puntos)
#
# El artículo de la WGAN recorta cada parámetro a $[-c, c]$ después de cada paso del crítico: pesos pequeños, pendientes acotadas. Sus autores
# lo llaman «una manera claramente terrible». Escribe `clip_weights(network, limit)`: recorta **todos** los parámetros **en su
# lugar**. Pistas: `with torch.no_grad():`, `parameter.clamp_(a, b)`. Más abajo verás qué hace.

# %% [markdown] id="clipping-text-en" tags=["lang-en"]
# ## 6. How to make the critic 1-Lipschitz?
# ### The first attempt: clip the weights (4 marks)
#
# The WGAN paper clips every parameter to $[-c, c]$ after each step of the critic: small weights, bounded slopes. Its authors call it “a clearly
# terrible way”. Write `clip_weights(network, limit)`: it clips **all** parameters **in place**. Hints: `with torch.no_grad():`,
# `parameter.clamp_(a, b)`. Further down you will see what it does.

# %% id="clip_weights" nbgrader={"grade": false, "grade_id": "clip_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_weights(network, limit):
    """es: Recorta todos los parámetros a [-limit, limit], en su lugar."""
    """en: Clip all parameters to [-limit, limit], in place."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.clamp_(-limit, limit)
    ### END SOLUTION

# %% id="clip_weights_check" nbgrader={"grade": true, "grade_id": "clip_weights_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("clip_weights", points=4) as checks:
    checks.parameters_after(
        "clip_weights.parameters", clip_weights, lab.supplied_discriminator((1, 8, 8)), 0.1, points=4
    )
checks.score

# %% [markdown] id="interpolate-text-es" tags=["lang-es"]
# ### El segundo: penalizar la pendiente. ¿Dónde? (8 puntos)
#
# La función óptima tiene pendiente 1 en los segmentos que unen cada muestra real con la generada que le corresponde. Cuál corresponde no se sabe: se toman parejas y puntos al azar,
# $$\hat{x} = x + a\,(\tilde{x} - x), \qquad a \sim U[0, 1],$$
# con $x$ real, $\tilde{x}$ generada y **un** $a$ **por muestra**, el mismo para todos sus píxeles. Escribe `interpolate(real, fake)`, que recibe dos lotes de la misma
# forma `(n, 1, 32, 32)` y devuelve otro igual. (Da lo mismo qué extremo va con $a$ y cuál con $1 - a$.) Sortea los pesos de una vez, con **un** `torch.rand(n, 1, 1, 1, device=...)` por lote: los ejes de tamaño 1 se repiten solos.
#
# El original sorteaba $a$ de una normal. Entonces es negativo la mitad de las veces y mayor que 1 una de cada seis: casi dos de cada tres puntos quedan
# **fuera** del segmento, donde nadie promete que la pendiente deba ser 1.

# %% [markdown] id="interpolate-text-en" tags=["lang-en"]
# ### The second: penalise the slope. Where? (8 marks)
#
# The optimal function has slope 1 on the segments that join each real sample with the generated one that belongs to it. Which one belongs is not known: pairs and points are taken at random,
# $$\hat{x} = x + a\,(\tilde{x} - x), \qquad a \sim U[0, 1],$$
# with $x$ real, $\tilde{x}$ generated and **one** $a$ **per sample**, the same for all its pixels. Write `interpolate(real, fake)`, which receives two batches of the same
# shape `(n, 1, 32, 32)` and returns another such. (It does not matter which end goes with $a$ and which with $1 - a$.) Draw the weights at once, by **one** `torch.rand(n, 1, 1, 1, device=...)` per batch: axes of size 1 repeat by themselves.
#
# The original drew $a$ from a normal distribution. Then it is negative half of the time and greater than 1 once in six: nearly two points out of three lie
# **outside** the segment, where nobody promises that the slope should be 1.

# %% id="interpolate" nbgrader={"grade": false, "grade_id": "interpolate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def interpolate(real, fake):
    """es: Un punto al azar entre cada imagen real y su generada."""
    """en: A random point between each real picture and its generated one."""
    ### BEGIN SOLUTION
    a = torch.rand(len(real), 1, 1, 1, device=real.device)
    return real + a * (fake - real)
    ### END SOLUTION

# %% id="interpolate_check" nbgrader={"grade": true, "grade_id": "interpolate_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("interpolate", points=8) as checks:
    checks.interpolation("interpolate.samples", interpolate, sample_shape=(1, 32, 32), points=8)
checks.score

# %% [markdown] id="gradient-penalty-text-es" tags=["lang-es"]
# ### La penalización (12 puntos)
#
# $$\text{penalización} = \operatorname{media}_i \left( \lVert \nabla_{\hat{x}_i} D(\hat{x}_i) \rVert_2 - 1 \right)^2$$
#
# Escribe `gradient_penalty(critic, samples)`, con `samples` ya interpoladas, `(n, 1, 32, 32)`:
#
# 1. `samples = samples.detach().requires_grad_(True)`, y las puntuaciones del crítico;
# 2. el gradiente de **la suma** de las puntuaciones respecto a `samples`, con `torch.autograd.grad(..., create_graph=True)`: devuelve una tupla. (La suma basta: la
#    puntuación de una imagen no depende de las otras, así que en cada lugar queda el gradiente de la suya.)
# 3. la norma de **cada muestra**: aplana con `.flatten(1)` y usa `.norm(dim=1)`, sin épsilon: su gradiente en el cero ya es 0;
# 4. la distancia de cada norma a 1, al cuadrado, y la media.
#
# `create_graph=True` guarda cómo se calculó el gradiente. Sin él la penalización sería un número muerto: el crítico aprende de **su** derivada
# respecto a los pesos, una derivada de una derivada. Y si falta, dentro de la pérdida completa nadie avisa.

# %% [markdown] id="gradient-penalty-text-en" tags=["lang-en"]
# ### The penalty (12 marks)
#
# $$\text{penalty} = \operatorname{mean}_i \left( \lVert \nabla_{\hat{x}_i} D(\hat{x}_i) \rVert_2 - 1 \right)^2$$
#
# Write `gradient_penalty(critic, samples)`, with `samples` already interpolated, `(n, 1, 32, 32)`:
#
# 1. `samples = samples.detach().requires_grad_(True)`, and the critic's scores;
# 2. the gradient of **the sum** of the scores with respect to `samples`, by `torch.autograd.grad(..., create_graph=True)`: it returns a tuple. (The sum is enough: the
#    score of one picture does not depend on the others, so that in each place the gradient of its own is left.)
# 3. the norm of **each sample**: flatten by `.flatten(1)` and use `.norm(dim=1)`, without an epsilon: its gradient at zero is 0 already;
# 4. the distance of each norm from 1, squared, and the mean.
#
# `create_graph=True` keeps how the gradient was computed. Without it the penalty would be a dead number: the critic learns from **its** derivative
# with respect to the weights, a derivative of a derivative. And if it is missing, within the whole loss nothing warns you.

# %% id="gradient_penalty" nbgrader={"grade": false, "grade_id": "gradient_penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_penalty(critic, samples):
    """es: Media del cuadrado de (norma del gradiente - 1), en las muestras dadas."""
    """en: Mean of the square of (norm of the gradient - 1), at the samples given."""
    ### BEGIN SOLUTION
    samples = samples.detach().requires_grad_(True)
    scores = critic(samples)  # (n, 1)
    (gradients,) = torch.autograd.grad(scores.sum(), samples, create_graph=True)  # (n, 1, 32, 32)
    norms = gradients.flatten(1).norm(dim=1)  # (n,)
    return ((norms - 1) ** 2).mean()
    ### END SOLUTION

# %% id="gradient_penalty_check" nbgrader={"grade": true, "grade_id": "gradient_penalty_check", "locked": true, "points": 12, "schema_version": 3, "solution": false, "task": false}
with lab.marks("gradient_penalty", points=12) as checks:
    checks.gradient_penalty(
        "gradient_penalty.value", gradient_penalty, sample_shape=(1, 32, 32), order="value", points=6
    )
    checks.gradient_penalty(
        "gradient_penalty.gradient", gradient_penalty, sample_shape=(1, 32, 32), order="gradient", points=6
    )
checks.score

# %% [markdown] id="critic-step-text-es" tags=["lang-es"]
# ## 7. Los pasos
# ### El paso del crítico (10 puntos)
#
# Recibe dos funciones: `loss_function(scores_real, scores_fake)`, la pérdida, y `penalty_function(critic, real_images, fake_images)`, la penalización. En este orden:
#
# 1. `zero_grad()` del optimizador;
# 2. `n` vectores latentes `torch.randn((n, 64), device=...)` y sus imágenes, separadas con `.detach()`;
# 3. las puntuaciones de lo real y de lo generado, y con ellas la pérdida de Wasserstein;
# 4. la penalización, y la pérdida completa: Wasserstein **más 10 veces** la penalización ($\lambda = 10$);
# 5. `backward()` y `step()`;
# 6. devuelve tres números: la pérdida completa, la de Wasserstein y la penalización (sin su peso).

# %% [markdown] id="critic-step-text-en" tags=["lang-en"]
# ## 7. The steps
# ### The critic's step (10 marks)
#
# It receives two functions: `loss_function(scores_real, scores_fake)`, the loss, and `penalty_function(critic, real_images, fake_images)`, the penalty. In this order:
#
# 1. `zero_grad()` of the optimiser;
# 2. `n` latent vectors `torch.randn((n, 64), device=...)` and their pictures, cut off with `.detach()`;
# 3. the scores of the real and the generated pictures, and from them the Wasserstein loss;
# 4. the penalty, and the whole loss: Wasserstein **plus 10 times** the penalty ($\lambda = 10$);
# 5. `backward()` and `step()`;
# 6. return three numbers: the whole loss, the Wasserstein loss, and the penalty (without its weight).

# %% id="critic_step" nbgrader={"grade": false, "grade_id": "critic_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def critic_step(critic, generator, optimizer_critic, loss_function, penalty_function, real_images):
    """es: Un paso del crítico; devuelve pérdida, Wasserstein y penalización."""
    """en: One step of the critic; returns loss, Wasserstein and penalty."""
    ### BEGIN SOLUTION
    optimizer_critic.zero_grad()
    latent_samples = torch.randn((len(real_images), 64), device=real_images.device)
    fake_images = generator(latent_samples).detach()  # (n, 1, 32, 32)
    wasserstein = loss_function(critic(real_images), critic(fake_images))
    penalty = penalty_function(critic, real_images, fake_images)
    loss = wasserstein + 10 * penalty
    loss.backward()
    optimizer_critic.step()
    return loss.item(), wasserstein.item(), penalty.item()
    ### END SOLUTION

# %% id="critic_step_check" nbgrader={"grade": true, "grade_id": "critic_step_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("critic_step", points=10) as checks:
    step_checks = checks.wasserstein_step(
        critic_step, updates="critic", latent_shape=(64,), sample_shape=(1, 32, 32)
    )
    step_checks.loss("critic_step.loss", points=3)
    step_checks.scores("critic_step.parts", points=2)
    step_checks.update("critic_step.update", points=3)
    step_checks.zero_grad("critic_step.zero_grad", points=1)
    step_checks.isolation("critic_step.isolation", points=1)
checks.score

# %% [markdown] id="generator-step-text-es" tags=["lang-es"]
# ### El paso del generador (5 puntos)
#
# `zero_grad()` primero; `batch_size` vectores latentes nuevos, `torch.randn((batch_size, 64), device=next(generator.parameters()).device)`; sus imágenes **sin** `.detach()`; las puntuaciones del crítico y
# `loss_function(scores_fake)`; `backward()` y `step()`. No hay penalización: esa es cosa del crítico. Devuelve la pérdida como número.

# %% [markdown] id="generator-step-text-en" tags=["lang-en"]
# ### The generator's step (5 marks)
#
# `zero_grad()` first; `batch_size` new latent vectors, `torch.randn((batch_size, 64), device=next(generator.parameters()).device)`; their pictures **without** `.detach()`; the critic's scores and
# `loss_function(scores_fake)`; `backward()` and `step()`. There is no penalty: that is the critic's affair. Return the loss as a number.

# %% id="generator_step" nbgrader={"grade": false, "grade_id": "generator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def generator_step(critic, generator, optimizer_generator, loss_function, batch_size):
    """es: Un paso del generador; devuelve su pérdida."""
    """en: One step of the generator; returns its loss."""
    ### BEGIN SOLUTION
    optimizer_generator.zero_grad()
    device = next(generator.parameters()).device
    latent_samples = torch.randn((batch_size, 64), device=device)
    loss = loss_function(critic(generator(latent_samples)))
    loss.backward()
    optimizer_generator.step()
    return loss.item()
    ### END SOLUTION

# %% id="generator_step_check" nbgrader={"grade": true, "grade_id": "generator_step_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator_step", points=5) as checks:
    step_checks = checks.wasserstein_step(
        generator_step, updates="generator", latent_shape=(64,), sample_shape=(1, 32, 32)
    )
    step_checks.loss("generator_step.loss", points=1)
    step_checks.update("generator_step.update", points=2)
    step_checks.zero_grad("generator_step.zero_grad", points=1)
    step_checks.isolation("generator_step.isolation", points=1)
checks.score

# %% [markdown] id="round-text-es" tags=["lang-es"]
# ### La ronda (5 puntos)
#
# La diferencia de puntuaciones dice algo de la distancia de Wasserstein solo si el crítico es bueno: por eso da varios pasos por cada uno del generador. Escribe
# `train_round(batches, critic_step, generator_step, critic_steps)`:
#
# - `critic_steps` veces: `critic_step(...)` con **un lote nuevo**, `next(batches)`; devuelve tres números. (El original usaba el mismo lote cinco veces seguidas.)
# - después, una vez: `generator_step(...)` con el tamaño del último lote; devuelve un número. Toma exactamente `critic_steps` lotes, ni uno más;
# - devuelve cuatro: los tres del **último** paso del crítico y el del generador.

# %% [markdown] id="round-text-en" tags=["lang-en"]
# ### The round (5 marks)
#
# The difference of scores says something about the Wasserstein distance only if the critic is good: that is why it takes several steps per step of the generator. Write
# `train_round(batches, critic_step, generator_step, critic_steps)`:
#
# - `critic_steps` times: `critic_step(...)` with **a new batch**, `next(batches)`; it returns three numbers. (The original used the same batch five times in a row.)
# - then, once: `generator_step(...)` with the size of the last batch; it returns one number. Take exactly `critic_steps` batches, not one more;
# - return four: the three of the critic's **last** step and the generator's.

# %% id="train_round" nbgrader={"grade": false, "grade_id": "train_round", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_round(batches, critic_step, generator_step, critic_steps):
    """es: Varios pasos del crítico y uno del generador."""
    """en: Several steps of the critic and one of the generator."""
    ### BEGIN SOLUTION
    for _ in range(critic_steps):
        real_images = next(batches)
        loss_c, wasserstein, penalty = critic_step(real_images)
    loss_g = generator_step(len(real_images))
    return loss_c, wasserstein, penalty, loss_g
    ### END SOLUTION

# %% id="train_round_check" nbgrader={"grade": true, "grade_id": "train_round_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("train_round", points=5) as checks:
    checks.rounds("train_round.turns", train_round, points=5)
checks.score

# %% [markdown] id="export-text-es" tags=["lang-es"]
# ## 8. Lo que queda de un entrenamiento
# ### Exportar imágenes (4 puntos)
#
# El laboratorio 6 usará imágenes generadas para entrenar un clasificador. El original las guardaba al final de cada época, a partir de una en la que ya servían.
# Escribe `export_images(images, folder, epoch, first_epoch)`; `images` es `(n, 1, alto, ancho)` en $[-1, 1]$:
#
# - si `epoch < first_epoch`, no hace nada;
# - crea la carpeta si falta (`Path(folder).mkdir(parents=True, exist_ok=True)`);
# - guarda cada imagen como PNG gris: $-1$ es 0, $1$ es 255, **redondeado** al entero más cercano (convertir a `uint8` sin redondear oscurece);
# - los nombres son `epoch_015_image_01.png`, `epoch_015_image_02.png`…: la época con tres cifras, la imagen con dos, desde 1.
#
# Pista: `Image.fromarray(arreglo_uint8_de_dos_ejes).save(ruta)`.

# %% [markdown] id="export-text-en" tags=["lang-en"]
# ## 8. What remains of a training
# ### Exporting pictures (4 marks)
#
# Lab 6 will use generated pictures to train a classifier. The original saved them after each epoch, once they were good enough to be useful.
# Write `export_images(images, folder, epoch, first_epoch)`; `images` is `(n, 1, height, width)` in $[-1, 1]$:
#
# - if `epoch < first_epoch`, it does nothing;
# - it creates the folder if it is missing (`Path(folder).mkdir(parents=True, exist_ok=True)`);
# - it saves each picture as a grey PNG: $-1$ is 0, $1$ is 255, **rounded** to the nearest integer (converting to `uint8` without rounding darkens it);
# - the names are `epoch_015_image_01.png`, `epoch_015_image_02.png`…: the epoch with three digits, the picture with two, from 1.
#
# Hint: `Image.fromarray(uint8_array_of_two_axes).save(path)`.

# %% id="export_images" nbgrader={"grade": false, "grade_id": "export_images", "locked": false, "schema_version": 3, "solution": true, "task": false}
def export_images(images, folder, epoch, first_epoch):
    """es: Guarda las imágenes generadas como archivos, a partir de una época."""
    """en: Save the generated pictures as files, from some epoch on."""
    ### BEGIN SOLUTION
    if epoch < first_epoch:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    pixels = ((images + 1) * 127.5).round().to(torch.uint8).cpu().numpy()  # (n, 1, height, width)
    for number, picture in enumerate(pixels, start=1):
        Image.fromarray(picture[0]).save(Path(folder) / f"epoch_{epoch:03d}_image_{number:02d}.png")
    ### END SOLUTION

# %% id="export_images_check" nbgrader={"grade": true, "grade_id": "export_images_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("export_images", points=4) as checks:
    checks.exported_images("export_images.files", export_images, points=4)
checks.score

# %% [markdown] id="checkpoint-text-es" tags=["lang-es"]
# ### Interrumpir y reanudar (3 puntos)
#
# Trae del laboratorio 3 tus funciones `save_checkpoint(path, epoch, networks, optimizers)` y `load_checkpoint(path, networks, optimizers)`, que devuelve la época. `networks` y `optimizers` son
# diccionarios.

# %% [markdown] id="checkpoint-text-en" tags=["lang-en"]
# ### Interrupting and resuming (3 marks)
#
# Bring from lab 3 your functions `save_checkpoint(path, epoch, networks, optimizers)` and `load_checkpoint(path, networks, optimizers)`, which returns the epoch. `networks` and `optimizers` are
# dictionaries.

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

# %% id="checkpoint_check" nbgrader={"grade": true, "grade_id": "checkpoint_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
with lab.marks("checkpoint", points=3) as checks:
    checks.checkpoint("checkpoint.resume", save_checkpoint, load_checkpoint, points=3)
checks.score

# %% [markdown] id="training-text-es" tags=["lang-es"]
# ## 9. El entrenamiento
#
# Aquí se juntan las piezas. `functools.partial` fija los primeros argumentos de una función: así los pasos quedan en la forma que espera `train_round`. Una «época» son 25 rondas.

# %% [markdown] id="training-text-en" tags=["lang-en"]
# ## 9. The training
#
# Here the pieces come together. `functools.partial` fixes the first arguments of a function: that gives the steps the form that `train_round` expects. An “epoch” is 25 rounds.

# %% id="batches"
ROUNDS, CRITIC_STEPS = 25, 3


def endless(images):
    """es: Lotes sin fin, barajados de nuevo en cada vuelta."""
    """en: Batches without end, shuffled anew each time around."""
    batches = Batches(images, batch_size=min(16, len(images)), drop_last=True)
    while True:
        for (batch,) in batches:
            yield batch.to(device)  # (16, 1, 32, 32)


def penalty_between(critic, real, fake):
    """es: Penalización del gradiente entre lo real y lo generado."""
    """en: Gradient penalty between real and generated pictures."""
    return gradient_penalty(critic, interpolate(real, fake))

# %% id="draw"
def draw(generator, latent):
    """es: Imágenes de unos vectores latentes, en modo eval y en la CPU."""
    """en: Pictures of some latent vectors, in eval mode and on the CPU."""
    generator.eval()
    with torch.no_grad():
        images = generator(latent).cpu()
    generator.train()
    return images

# %% id="train"
def nothing(*arguments):
    """es: Lo que se hace cuando no hay nada que hacer."""
    """en: What is done when there is nothing to do."""


def train(networks, optimizers, num_epochs, penalty, after_critic=nothing, on_epoch_end=nothing):
    """es: Entrena ambas redes; devuelve las cuatro curvas."""
    """en: Train both networks; return the four curves."""
    critic, generator = networks["critic"], networks["generator"]
    one_critic_step = partial(critic_step, critic, generator, optimizers["critic"], critic_loss, penalty)
    one_generator_step = partial(generator_step, critic, generator, optimizers["generator"], generator_loss)

    def bounded_critic_step(real):
        numbers = one_critic_step(real)
        after_critic(critic)
        return numbers

    history, batches = History("loss_c", "wasserstein", "penalty", "loss_g"), endless(real_images)
    for epoch in progress(range(1, num_epochs + 1)):
        for _ in range(ROUNDS):
            numbers = train_round(batches, bounded_critic_step, one_generator_step, CRITIC_STEPS)
            loss_c, wasserstein, penalty_value, loss_g = numbers
            history.record(loss_c=loss_c, wasserstein=wasserstein, penalty=penalty_value, loss_g=loss_g)
        on_epoch_end(epoch)
    return history

# %% id="new-networks"
def new_networks():
    """es: Ambas redes y sus optimizadores, con los pesos de siempre."""
    """en: Both networks and their optimisers, always with the same weights."""
    torch.manual_seed(111)
    networks = {"critic": Critic().to(device), "generator": Generator().to(device)}
    optimizers = {
        name: torch.optim.Adam(network.parameters(), lr=0.0005, betas=(0.5, 0.9))
        for name, network in networks.items()
    }
    return networks, optimizers

# %% [markdown] id="clipped-text-es" tags=["lang-es"]
# ### Primero, con pesos recortados
#
# Sin penalización (la función devuelve cero) y recortando a $[-0.01, 0.01]$ después de cada paso del crítico. Todo lo demás es igual que después.

# %% [markdown] id="clipped-text-en" tags=["lang-en"]
# ### First, with clipped weights
#
# Without a penalty (the function returns zero) and clipping to $[-0.01, 0.01]$ after each step of the critic. All else is the same as later on.

# %% id="clipped-run" tags=["raises-exception"]
torch.manual_seed(5)
fixed_latent = torch.randn(32, 64, device=device)
many_latent = torch.randn(len(test_images), 64, device=device)
clipped, clipped_optimizers = new_networks()
short = budget(cpu=8, cuda=8, grading=1, device=device)
train(
    clipped,
    clipped_optimizers,
    short,
    penalty=lambda critic, real, fake: torch.zeros((), device=device),
    after_critic=partial(clip_weights, limit=0.01),
)
title = f"Con pesos recortados, {short * ROUNDS} rondas"  # es
title = f"With clipped weights, {short * ROUNDS} rounds"  # en
image_grid(draw(clipped["generator"], fixed_latent), title=title)

# %% [markdown] id="penalised-text-es" tags=["lang-es"]
# ### Después, con la penalización
#
# Las mismas redes, los mismos pesos iniciales, los mismos optimizadores. Al final de cada época se mide la **distancia de Wasserstein en rebanadas** (*sliced*): ambas colecciones de imágenes se
# proyectan sobre direcciones al azar y en cada una, donde calcularla es fácil, se mide la distancia; el resultado es la media. De las últimas 18 épocas se exportan imágenes: en una CPU, desde la 15.

# %% [markdown] id="penalised-text-en" tags=["lang-en"]
# ### Then, with the penalty
#
# The same networks, the same initial weights, the same optimisers. At the end of each epoch the **sliced Wasserstein distance** is measured: both collections of pictures are
# projected onto random directions and in each, where it is easy to compute, the distance is measured; the result is the mean. Of the last 18 epochs pictures are exported: on a CPU, from the 15th on.

# %% id="penalised-run" tags=["raises-exception"]
networks, optimizers = new_networks()
num_epochs = budget(cpu=32, cuda=200, grading=1, device=device)
first_exported = num_epochs - 17
film, distances = ImageGifRecorder(), []
export_draws = torch.Generator().manual_seed(6)  # new latent vectors for every export


def after_epoch(epoch):
    title = f"Ronda {epoch * ROUNDS}"  # es
    title = f"Round {epoch * ROUNDS}"  # en
    if epoch % 2 == 1 or epoch == num_epochs:
        film.add(draw(networks["generator"], fixed_latent), title)
    distances.append(sliced_wasserstein(draw(networks["generator"], many_latent), real_images))
    latent = torch.randn(32, 64, generator=export_draws).to(device)
    export_images(draw(networks["generator"], latent), f"generated/{CLASS}", epoch, first_exported)
    save_checkpoint("lab4_wgan_gp.pt", epoch, networks, optimizers)


history = train(networks, optimizers, num_epochs, penalty_between, on_epoch_end=after_epoch)
history

# %% id="film" tags=["raises-exception"]
film.save("lab4_wgan_gp.gif")

# %% id="plot-generated" tags=["raises-exception"]
torch.manual_seed(7)
title = "Imágenes generadas con la penalización"  # es
title = "Pictures generated with the penalty"  # en
image_grid(draw(networks["generator"], torch.randn(32, 64, device=device)), title=title)

# %% [markdown] id="weights-text-es" tags=["lang-es"]
# ### Qué hizo el recorte
#
# Los pesos de ambos críticos. El recortado empuja los suyos contra los límites: de todas las funciones posibles le quedan las más simples.

# %% [markdown] id="weights-text-en" tags=["lang-en"]
# ### What clipping did
#
# The weights of both critics. The clipped one pushes its own against the limits: of all possible functions the simplest ones are left to it.

# %% id="weights" tags=["raises-exception"]
def all_weights(network):
    """es: Todos los parámetros de una red, en un vector."""
    """en: All parameters of a network, as one vector."""
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()]).cpu()


at_limit = (all_weights(clipped["critic"]).abs() > 0.0099).float().mean().item()
print(f"pesos en el límite: {at_limit:.0%}")  # es
print(f"weights at the limit: {at_limit:.0%}")  # en
first, second = "Pesos recortados", "Con penalización"  # es
first, second = "Clipped weights", "With the penalty"  # en
xlabel, ylabel = "valor", "parámetros"  # es
xlabel, ylabel = "value", "parameters"  # en
histograms(
    {first: all_weights(clipped["critic"]), second: all_weights(networks["critic"])}, xlabel=xlabel, ylabel=ylabel
)

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Las cuatro curvas
#
# `c_loss` es Wasserstein más diez veces la penalización. Con el signo cambiado, la de Wasserstein es la mayor diferencia de puntuaciones que **este** crítico encontró: una **cota inferior** de la
# distancia, en la medida en que el crítico es 1-Lipschitz. En cuanto ha aprendido a distinguir (las primeras decenas de rondas) se acerca a cero y después se estanca. Sirve para seguir el avance, no como valor. La
# pérdida del generador, en cambio, es una media de puntuaciones, y a las puntuaciones se les puede sumar cualquier número sin que nada cambie: su nivel no dice nada.

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### The four curves
#
# `c_loss` is Wasserstein plus ten times the penalty. With its sign changed, the Wasserstein loss is the largest difference of scores that **this** critic found: a **lower bound** of the
# distance, as far as the critic is 1-Lipschitz. Once it has learned to tell them apart (the first tens of rounds), it comes closer to zero and then levels off. It shows progress, not the value. The
# generator's loss, by contrast, is a mean of scores, and to scores any number may be added without anything changing: its level says nothing.

# %% id="curves-critic" tags=["raises-exception"]
title, steps, loss = "El crítico", "ronda", "pérdida"  # es
title, steps, loss = "The critic", "round", "loss"  # en
parts = {"c_loss": history.loss_c, "Wasserstein": history.wasserstein}
curves(parts, title=title, xlabel=steps, ylabel=loss, smooth=20, start=1)

# %% id="curves-penalty" tags=["raises-exception"]
title = "La penalización"  # es
title = "The penalty"  # en
penalty_name = "penalización"  # es
penalty_name = "penalty"  # en
curves({penalty_name: history.penalty}, title=title, xlabel=steps, ylabel=loss, smooth=20, start=1)

# %% id="curves-generator" tags=["raises-exception"]
title = "El generador"  # es
title = "The generator"  # en
curves({"g_loss": history.loss_g}, title=title, xlabel=steps, ylabel=loss, smooth=20, start=1)

# %% [markdown] id="quality-text-es" tags=["lang-es"]
# ### ¿Y las imágenes?
#
# La distancia en rebanadas por época. El **suelo** es la que hay entre dos colecciones reales: nadie debe pedir menos. (Depende del número de imágenes; solo se comparan cifras medidas igual.)

# %% [markdown] id="quality-text-en" tags=["lang-en"]
# ### And the pictures?
#
# The sliced distance per epoch. The **floor** is the one between two real collections: nobody should ask for less. (It depends on the number of pictures; only figures measured alike are compared.)

# %% id="quality" tags=["raises-exception"]
floor = sliced_wasserstein(test_images, real_images)
clipped_distance = sliced_wasserstein(draw(clipped["generator"], many_latent), real_images)
penalised = distances[short - 1], distances[-1]
print(f"recortada: {clipped_distance:.3f}   con penalización: {penalised[0]:.3f} entonces, {penalised[1]:.3f} ahora   reales: {floor:.3f}")  # es
print(f"clipped: {clipped_distance:.3f}   penalised: {penalised[0]:.3f} then, {penalised[1]:.3f} now   real: {floor:.3f}")  # en
title, xlabel, ylabel = "Distancia a las imágenes de entrenamiento", "época", "distancia"  # es
title, xlabel, ylabel = "Distance from the training pictures", "epoch", "distance"  # en
generated, real = "generadas", "reales (suelo)"  # es
generated, real = "generated", "real (floor)"  # en
curves({generated: distances, real: [floor] * len(distances)}, title=title, xlabel=xlabel, ylabel=ylabel, start=1)

# %% [markdown] id="memory-text-es" tags=["lang-es"]
# ### ¿Copia?
#
# Con tan pocas imágenes un generador podría aprendérselas. Arriba, ocho generadas; debajo de cada una, la imagen de entrenamiento más cercana. Fíjate también en las lesiones. La cifra compara: ¿están las generadas más
# cerca del entrenamiento que imágenes reales que no participaron en él?

# %% [markdown] id="memory-text-en" tags=["lang-en"]
# ### Does it copy?
#
# With so few pictures a generator could learn them by heart. Above, eight generated ones; below each, the closest training picture. Look at the lesions too. The figure compares: are generated pictures closer to the
# training set than real ones that took no part in it?

# %% id="memory" tags=["raises-exception"]
generated = draw(networks["generator"], many_latent)
distance, place = nearest_neighbours(generated, real_images)
test_distance, _ = nearest_neighbours(test_images, real_images)
print(f"generadas: {distance.mean():.3f}   prueba: {test_distance.mean():.3f}")  # es
print(f"generated: {distance.mean():.3f}   test: {test_distance.mean():.3f}")  # en
pairs = torch.cat([generated[:8], real_images[place[:8]]])
title = "Generadas y sus vecinas más cercanas"  # es
title = "Generated pictures and their nearest neighbours"  # en
image_grid(pairs, title=title)

# %% [markdown] id="resume-text-es" tags=["lang-es"]
# ### Reanudar
#
# Redes nuevas y el archivo del final: si todo volvió, dibujan exactamente lo mismo.

# %% [markdown] id="resume-text-en" tags=["lang-en"]
# ### Resuming
#
# New networks and the file from the end: if all came back, they draw exactly the same.

# %% id="resume" tags=["raises-exception"]
resumed, resumed_optimizers = new_networks()
last_epoch = load_checkpoint("lab4_wgan_gp.pt", resumed, resumed_optimizers)
same = torch.equal(draw(resumed["generator"], fixed_latent), draw(networks["generator"], fixed_latent))
print(f"época {last_epoch}; ¿las mismas imágenes? {same}")  # es
print(f"epoch {last_epoch}; the same pictures? {same}")  # en
print(len(list(Path(f"generated/{CLASS}").glob("*.png"))), f"generated/{CLASS}/*.png")

# %% [markdown] id="question-clipping-text-es" tags=["lang-es"]
# ## 10. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (8 puntos).** ¿Qué le pasa al crítico cuando se recortan sus pesos, y cómo se ve en el histograma, en las imágenes y en la distancia? ¿Es justa la comparación de esta práctica? Di a favor y en contra.

# %% [markdown] id="question-clipping-text-en" tags=["lang-en"]
# ## 10. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (8 marks).** What happens to the critic when its weights are clipped, and how does it show in the histogram, in the pictures and in the distance? Is the comparison of this lab fair? Say something for and against.

# %% [markdown] id="question_clipping" nbgrader={"grade": true, "grade_id": "question_clipping", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Recortado, el crítico empuja casi todos sus parámetros contra los límites, cerca del 88 % a ±0.01: le quedan funciones muy simples, y su gradiente no le enseña al generador qué es un cráneo o un ventrículo. Las imágenes son manchas con una cuadrícula, y después de las mismas 200 rondas la distancia es de 0.25, contra 0.07 con la penalización y un suelo de 0.05. A favor de la comparación: mismas redes, pesos iniciales, optimizadores y rondas. En contra: una sola semilla, un solo límite, y una tasa elegida para la penalización; el artículo de la WGAN usaba RMSprop con una tasa diez veces menor y muchos más pasos.
# ### END SOLUTION

# %% [markdown] id="question-curves-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** El trabajo original presentaba pérdidas del generador de $-1468$ y de $+841$ como señal de calidad. ¿Qué dicen en realidad? ¿Qué curva mirarías tú, y por qué?

# %% [markdown] id="question-curves-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** The original work presented generator losses of $-1468$ and of $+841$ as a sign of quality. What do they really say? Which curve would you look at, and why?

# %% [markdown] id="question_curves" nbgrader={"grade": true, "grade_id": "question_curves", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Son medias de puntuaciones, y si a todas se les suma un número, la pérdida del crítico y los gradientes no cambian: el nivel es arbitrario. En mi entrenamiento la del generador pasó de cerca de +5.5 a cerca de -5 en las últimas 400 rondas; la de Wasserstein casi no se movió, y la distancia medida aparte incluso empeoró un poco, de 0.06 a 0.075. Miraría la de Wasserstein con el signo cambiado, que es una cota inferior de la distancia y muestra el avance, pero no sola: también una medida que no dependa del crítico, y las imágenes.
# ### END SOLUTION

# %% [markdown] id="question-alpha-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** ¿Qué cambia en la penalización si el peso de la interpolación se sortea de una normal, o si se sortea uno por píxel? ¿Dónde se pediría entonces que la pendiente sea 1?

# %% [markdown] id="question-alpha-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** What changes in the penalty if the weight of the interpolation is drawn from a normal distribution, or if one is drawn per pixel? Where would the slope then be asked to be 1?

# %% [markdown] id="question_alpha" nbgrader={"grade": true, "grade_id": "question_alpha", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Con la normal, casi dos de cada tres puntos quedan fuera del segmento, más allá de lo real o de lo generado: ahí se pediría pendiente 1, aunque la teoría solo la promete entre ambos. Con un peso por píxel el punto toma cada píxel a otra distancia y cae en cualquier lugar de la caja que tiene a las dos imágenes en esquinas opuestas, casi nunca en el segmento. El entrenamiento puede funcionar de todos modos, porque la pendiente también queda acotada, pero ya no es el método del artículo.
# ### END SOLUTION

# %% [markdown] id="question-memory-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** El original entrenó 8000 pasos con 155 imágenes y no buscó copias. ¿Qué muestran tus figuras sobre la memorización, y qué no pueden descartar? ¿Por qué importa con imágenes médicas?

# %% [markdown] id="question-memory-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** The original trained 8,000 steps on 155 pictures and did not look for copies. What do your figures show about memorisation, and what can they not rule out? Why does it matter with medical pictures?

# %% [markdown] id="question_memory" nbgrader={"grade": true, "grade_id": "question_memory", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Las vecinas más cercanas no son iguales a las generadas, y la distancia media al entrenamiento, cerca de 0.24, es mayor que la de las imágenes de prueba, cerca de 0.22: una distancia muy pequeña probaría la copia, y no la hay. Pero una grande no prueba lo contrario: una copia con ruido, desplazada o girada también quedaría lejos, y solo miré ocho parejas. De paso se ve que casi ninguna imagen generada tiene la lesión brillante que sí tienen las reales de esta clase: la distancia en rebanadas apenas lo nota, y en el laboratorio 6 llevarían la etiqueta «con tumor». Con imágenes médicas importa por dos razones: una copia revela datos de una persona, y un clasificador entrenado con copias de su entrenamiento no aprende nada nuevo.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Crítico: $\operatorname{media}(D(G(z))) - \operatorname{media}(D(x))$, sin sigmoide ni normalización por lotes; varios pasos por cada uno del generador, cada uno con su lote.
# - Generador: $-\operatorname{media}(D(G(z)))$.
# - Penalización: norma **por muestra**, en puntos al azar del segmento, $\lambda = 10$, con `create_graph=True`.
# - La curva de Wasserstein acota por debajo una distancia; el nivel de la del generador no dice nada.
# - Con pocas imágenes se mira si el generador copia.
#
# **Para seguir explorando (sin puntos).** Entrena con `CLASS = "no"`: el laboratorio 6 usa ambas clases. ¿Qué pasa con $\lambda = 0.1$? ¿Y con un paso del crítico por ronda?

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Critic: $\operatorname{mean}(D(G(z))) - \operatorname{mean}(D(x))$, no sigmoid and no batch normalisation; several steps per step of the generator, each with its own batch.
# - Generator: $-\operatorname{mean}(D(G(z)))$.
# - Penalty: norm **per sample**, at random points of the segment, $\lambda = 10$, with `create_graph=True`.
# - The Wasserstein curve bounds a distance from below; the level of the generator's says nothing.
# - With few pictures, check whether the generator copies.
#
# **To explore further (no marks).** Train with `CLASS = "no"`: lab 6 uses both classes. What happens with $\lambda = 0.1$? And with one critic step per round?

# %% id="summary"
lab.summary()
