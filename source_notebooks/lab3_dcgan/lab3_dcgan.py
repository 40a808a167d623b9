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
# La GAN del laboratorio 2 aplanaba la imagen: para ella, dos píxeles vecinos eran tan ajenos como dos de esquinas opuestas. Una **DCGAN** (Radford et al., 2016)
# usa convoluciones, que miran vecindades, y convoluciones transpuestas, que las dibujan. Este laboratorio parte del código de una tesis de grado sobre redes generativas:
# es la «versión anterior» de la que habla el texto.
#
# Al terminar sabrás calcular el tamaño que sale de cada capa, inicializar los pesos, entrenar con pasadas separadas, vigilar el
# entrenamiento con TensorBoard, pasear por el espacio latente, interrumpir y reanudar, y diseñar una red más ligera.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda plegada que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se observó y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas y el reto del final, 30.
# Tus funciones no deben modificar lo que reciben (modos, parámetros, semillas), salvo lo que se pida, y deben servir en CPU y en GPU.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 3: DCGAN, convolutions that draw
#
# The GAN of lab 2 flattened the picture: to it, two neighbouring pixels were as foreign as two from opposite corners. A **DCGAN** (Radford et al., 2016) uses
# convolutions, which look at neighbourhoods, and transposed convolutions, which draw them. This lab starts from the code of a bachelor's thesis on generative networks:
# that is the “earlier version” of which the text speaks.
#
# By the end you will be able to compute the size that comes out of each layer, to initialise weights, to train with separate passes, to
# watch a training with TensorBoard, to walk through the latent space, to interrupt and resume, and to design a lighter network.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the folded cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions and the challenge at the end, 30.
# Your functions must leave what they receive unchanged (modes, parameters, seeds) unless asked otherwise, and must work on a CPU and on a GPU.

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
import copy
import math
import time
from statistics import median

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.tensorboard import SummaryWriter
from torchvision.utils import make_grid

from autograder import open_lab, whole_number
from course import diagrams
from course.budget import budget
from course.classifier import fit_digit_classifier
from course.data import Batches, load_digits
from course.device import describe_device, get_device
from course.metrics import QualitySpread, digit_quality
from course.plots import ImageGifRecorder, curves, image_grid, intervals, table
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
# ## Your identity
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
# Los dígitos del laboratorio 2, ya normalizados: `(n, 1, 28, 28)` entre $-1$ y $1$. Sin descarga son los de scikit-learn
# (Alpaydin y Kaynak, 1998), de 8×8 píxeles, ampliados; con `load_digits("mnist")`, los de MNIST (LeCun et al., 1998).

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The data
#
# The digits of lab 2, already normalised: `(n, 1, 28, 28)` between $-1$ and $1$. Without a download they are those of scikit-learn
# (Alpaydin and Kaynak, 1998), of 8×8 pixels, enlarged; with `load_digits("mnist")`, those of MNIST (LeCun et al., 1998).

# %% id="data"
digits = load_digits()
real_images = digits.images  # (n, 1, 28, 28)
image_grid(real_images[:48], title="Dígitos reales", columns=12)  # es
image_grid(real_images[:48], title="Real digits", columns=12)  # en

# %% [markdown] id="sizes-text-es" tags=["lang-es"]
# ## 2. ¿De qué tamaño sale? (8 puntos)
#
# Una **convolución** con núcleo (*kernel*) $k$ recorre la imagen con una zancada (*stride*) de $s$ píxeles, después de añadirle un relleno (*padding*) de $p$ píxeles en cada borde.
# De un lado de $n$ píxeles sale otro de
# $$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1,$$
# porque solo cuentan las posiciones en las que el núcleo cabe entero: se redondea **hacia abajo**.
#
# Una **convolución transpuesta** va al revés en los tamaños, no en los valores: cada píxel de entrada pinta un núcleo en la salida, a distancia $s$ del anterior, y se recorta el
# relleno, $p$ píxeles en cada borde. De $n$ sale
# $$(n - 1)\,s - 2p + k.$$
#
# Escribe ambas funciones; reciben y devuelven enteros.

# %% [markdown] id="sizes-text-en" tags=["lang-en"]
# ## 2. What size comes out? (8 marks)
#
# A **convolution** with kernel (*núcleo*) $k$ walks over the picture with a stride (*zancada*) of $s$ pixels, after a padding (*relleno*) of $p$ pixels was added to it at every
# border. A side of $n$ pixels yields one of
# $$\left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1,$$
# because only those places count where the kernel fits as a whole: it is rounded **down**.
#
# A **transposed convolution** goes the other way in sizes, not in values: each input pixel paints a kernel onto the output, $s$ away from the one before, and the
# padding is cut off, $p$ pixels at every border. From $n$ comes
# $$(n - 1)\,s - 2p + k.$$
#
# Write both functions; they take and return integers.

# %% id="convolution-diagram"
diagrams.strided_convolution()

# %% id="transposed-diagram"
diagrams.transposed_convolution()

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
    cases = lab.supplied_integers(60, size=(12, 65), kernel=(2, 8), stride=(1, 5), padding=(0, 4))
    checks.scalars("sizes.convolution", whole_number(convolution_size), cases, points=4)
    checks.scalars("sizes.transposed", whole_number(transposed_size), cases, points=4)
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
# | capa | canales | núcleo, zancada, relleno | salida | después |
# |---|---|---|---|---|
# | transpuesta 1 | 100 → 128 | 7, 1, 0 | 128 × 7 × 7 | BatchNorm2d, ReLU |
# | transpuesta 2 | 128 → 64 | 4, 2, 1 | 64 × 14 × 14 | BatchNorm2d, ReLU |
# | transpuesta 3 | 64 → 1 | 4, 2, 1 | 1 × 28 × 28 | tanh |
#
# Sobre un solo píxel, la primera capa equivale a una densa: cada lugar de su salida tiene pesos propios, $100 \cdot 128 \cdot 7 \cdot 7 = 627\,200$ de los 759 680 del generador. Solo las otras dos usan los mismos pesos en toda la imagen.
#
# `BatchNorm2d` (Ioffe y Szegedy, 2015) toma la media $\mu$ y la varianza $\sigma^2$ de cada canal sobre todos los píxeles de todas las imágenes del lote (*batch*; en modo eval, sus medias
# móviles), y aprende una escala $\gamma$ y un sesgo (*bias*) $\beta$:
# $$\hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma\, \hat{x} + \beta.$$
#
# Las convoluciones no llevan sesgo (`bias=False`): donde sigue una normalización, esta lo borraría enseguida, y tiene el suyo; en la última capa la versión anterior
# tampoco lo ponía. A la salida no hay normalización. Pista: `nn.ConvTranspose2d(entran, salen, kernel_size=…, stride=…, padding=…, bias=False)`.

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
# On a single pixel the first layer amounts to a dense one: each place of its output has weights of its own, $100 \cdot 128 \cdot 7 \cdot 7 = 627{,}200$ of the generator's 759,680. Only the other two use the same weights all over the picture.
#
# `BatchNorm2d` (Ioffe and Szegedy, 2015) takes the mean $\mu$ and the variance $\sigma^2$ of each channel over all pixels of all pictures of the batch (*lote*; in eval mode, their moving
# averages), and learns a gain $\gamma$ and a bias (*sesgo*) $\beta$:
# $$\hat{x} = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}}, \qquad y = \gamma\, \hat{x} + \beta.$$
#
# The convolutions have no bias (`bias=False`): where normalisation follows, it would erase the bias at once, and has its own; in the last layer the earlier version had none
# either. There is no normalisation at the output. Hint: `nn.ConvTranspose2d(inputs, outputs, kernel_size=…, stride=…, padding=…, bias=False)`.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Una imagen por vector latente: (n, 100, 1, 1) -> (n, 1, 28, 28)."""
    """en: One picture per latent vector: (n, 100, 1, 1) -> (n, 1, 28, 28)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.ConvTranspose2d(100, 128, kernel_size=7, stride=1, padding=0, bias=False),  # (n, 128, 7, 7)
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 64, 14, 14)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 1, 28, 28)
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
        input_shape=(100, 1, 1),
        output_shape=(1, 28, 28),
        parameters=759_680,
        points=3,
    )
    checks.network_output(
        "generator.training",
        Generator,
        input_shape=(100, 1, 1),
        training=True,
        low=-1.0,
        high=1.0,
        points=4,
    )
    checks.network_output("generator.evaluation", Generator, input_shape=(100, 1, 1), points=3)
checks.score

# %% [markdown] id="discriminator-text-es" tags=["lang-es"]
# ## 4. El discriminador (9 puntos)
#
# El espejo del generador. También aquí una capa equivale a una densa: la última, cuyo núcleo abarca toda su entrada. En lugar de capas de agrupación (*pooling*), las zancadas de 2 reducen la imagen:
#
# | capa | canales | núcleo, zancada, relleno | salida | después |
# |---|---|---|---|---|
# | convolución 1 | 1 → 64 | 4, 2, 1 | 64 × 14 × 14 | LeakyReLU 0.2 |
# | convolución 2 | 64 → 128 | 4, 2, 1 | 128 × 7 × 7 | BatchNorm2d, LeakyReLU 0.2 |
# | convolución 3 | 128 → 1 | 7, 1, 0 | 1 × 1 × 1 | sigmoide |
#
# La primera capa **no** lleva normalización: borraría en gran parte el nivel medio de gris de cada lote, que puede delatar a las imágenes generadas. (Radford et al., 2016, cuentan
# además que con ella el entrenamiento se volvía inestable.) `forward` devuelve `(n, 1)`: `.view(len(x), 1)`. Sin sesgos, otra vez. (En la primera y la última capa
# ninguna normalización los borraría; la versión anterior tampoco los ponía.) (`.squeeze()` parece más corto, pero con un lote de una sola imagen borra también el eje del lote.)

# %% [markdown] id="discriminator-text-en" tags=["lang-en"]
# ## 4. The discriminator (9 marks)
#
# The mirror of the generator. Here, too, one layer amounts to a dense one: the last, whose kernel covers its whole input. In place of pooling (*agrupación*) layers, strides of 2 shrink the picture:
#
# | layer | channels | kernel, stride, padding | output | followed by |
# |---|---|---|---|---|
# | convolution 1 | 1 → 64 | 4, 2, 1 | 64 × 14 × 14 | LeakyReLU 0.2 |
# | convolution 2 | 64 → 128 | 4, 2, 1 | 128 × 7 × 7 | BatchNorm2d, LeakyReLU 0.2 |
# | convolution 3 | 128 → 1 | 7, 1, 0 | 1 × 1 × 1 | sigmoid |
#
# The first layer has **no** normalisation: it would erase most of the mean grey level of each batch, which may give generated pictures away. (Radford et al., 2016, report
# moreover that with it training became unstable.) `forward` returns `(n, 1)`: `.view(len(x), 1)`. No biases, again. (In the first and the last layer no normalisation
# would erase them; the earlier version had none either.) (`.squeeze()` looks shorter, but with a batch of a single picture it erases the axis of the batch too.)

# %% id="discriminator" nbgrader={"grade": false, "grade_id": "discriminator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Discriminator(nn.Module):
    """es: Probabilidad de que una imagen sea real: (n, 1, 28, 28) -> (n, 1)."""
    """en: Probability that a picture is real: (n, 1, 28, 28) -> (n, 1)."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 64, 14, 14)
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 128, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 128, 7, 7)
            nn.BatchNorm2d(128),
            nn.LeakyReLU(0.2),
            nn.Conv2d(128, 1, kernel_size=7, stride=1, padding=0, bias=False),  # (n, 1, 1, 1)
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
        input_shape=(1, 28, 28),
        output_shape=(1,),
        parameters=138_624,
        points=3,
    )
    checks.network_output(
        "discriminator.training",
        Discriminator,
        input_shape=(1, 28, 28),
        training=True,
        low=0.0,
        high=1.0,
        points=3,
    )
    checks.network_output("discriminator.evaluation", Discriminator, input_shape=(1, 28, 28), points=3)
checks.score

# %% id="claim-one-pixel" tags=["active-py", "claim"]
# of: generator-text
# es: Sobre un solo píxel, la primera capa equivale a una densa: cada lugar de su salida tiene pesos propios, $100 \cdot 128 \cdot 7 \cdot 7 = 627\,200$ de los 759 680 del generador.
# en: On a single pixel the first layer amounts to a dense one: each place of its output has weights of its own, $100 \cdot 128 \cdot 7 \cdot 7 = 627{,}200$ of the generator's 759,680.
# es: Solo las otras dos usan los mismos pesos en toda la imagen.
# en: Only the other two use the same weights all over the picture.
# of: discriminator-text
# es: También aquí una capa equivale a una densa: la última, cuyo núcleo abarca toda su entrada.
# en: Here, too, one layer amounts to a dense one: the last, whose kernel covers its whole input.
one_pixel, kernel_weights = torch.randn(3, 100, 1, 1), Generator().model[0].weight.detach()  # (100, 128, 7, 7)
by_matrix = (one_pixel.flatten(1) @ kernel_weights.flatten(1)).view(3, 128, 7, 7)
assert torch.allclose(nn.functional.conv_transpose2d(one_pixel, kernel_weights), by_matrix, atol=1e-4)
assert kernel_weights.numel() == 627_200 and sum(p.numel() for p in Generator().parameters()) == 759_680
last_input, last_weights = torch.randn(3, 128, 7, 7), Discriminator().model[5].weight.detach()  # (1, 128, 7, 7)
by_matrix = last_input.flatten(1) @ last_weights.flatten(1).T  # (3, 1)
assert torch.allclose(nn.functional.conv2d(last_input, last_weights).flatten(1), by_matrix, atol=1e-4)

# %% [markdown] id="initialisation-text-es" tags=["lang-es"]
# ## 5. Los pesos iniciales (8 puntos)
#
# El artículo de la DCGAN comienza con pesos pequeños; la versión anterior de este laboratorio lo omitía. (Lo de la normalización no está en el artículo, sino en el código
# de sus autores.) Escribe `initialise_weights(layer)`, que recibe **una** capa y la cambia directamente, sin crear copias (*in place*):
#
# - una convolución o convolución transpuesta: pesos de una normal de media 0 y desviación **0.02**, con `nn.init.normal_`; su sesgo, si lo tiene, queda como está;
# - una `nn.BatchNorm2d`: pesos (su escala) de una normal de media **1** y desviación 0.02, sesgo 0;
# - lo que no es convolución ni normalización por lotes (*batch normalisation*) queda como está.
#
# `network.apply(initialise_weights)` la llamará con cada capa. Pistas: `isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))`,
# `nn.init.normal_(layer.weight, media, desviación)`, `nn.init.zeros_(layer.bias)`.

# %% [markdown] id="initialisation-text-en" tags=["lang-en"]
# ## 5. The initial weights (8 marks)
#
# The DCGAN paper begins with small weights; the earlier version of this lab left that out. (What is done to normalisation is not in the paper, but in its authors' code.)
# Write `initialise_weights(layer)`, which receives **one** layer and changes it in place:
#
# - a convolution or transposed convolution: weights from a normal distribution of mean 0 and standard deviation **0.02**, by `nn.init.normal_`; its bias, if it has one, stays as it is;
# - a `nn.BatchNorm2d`: weights (its gain) from a normal distribution of mean **1** and standard deviation 0.02, bias 0;
# - whatever is neither a convolution nor a batch normalisation (*normalización por lotes*) stays as it is.
#
# `network.apply(initialise_weights)` will call it with every layer. Hints: `isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))`,
# `nn.init.normal_(layer.weight, mean, deviation)`, `nn.init.zeros_(layer.bias)`.

# %% id="initialise_weights" nbgrader={"grade": false, "grade_id": "initialise_weights", "locked": false, "schema_version": 3, "solution": true, "task": false}
def initialise_weights(layer):
    """es: Da a una capa sus pesos iniciales, como los autores de la DCGAN."""
    """en: Give one layer its initial weights, as the authors of the DCGAN do."""
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
# Con normalización por lotes importa **con quién** comparte lote cada imagen: si lo real y lo generado pasan juntos, la media y la varianza son las de la mezcla, y lo que $D$ dice de una
# imagen real depende de las generadas. Además, en el paso del generador solo pasan generadas, y $D$ las normalizaría con estadísticas distintas de aquellas con que aprendió a juzgarlas.
# Por eso hay dos pasadas, y la pérdida (*loss*) es la **suma** de dos medias. Sus pasos (el orden de las dos pasadas es libre):
#
# 1. `zero_grad()` del optimizador;
# 2. pasada real: `output_real = discriminator(real_images)`, pérdida con etiquetas de unos;
# 3. `n` vectores latentes `torch.randn((n, 100, 1, 1), device=...)`, imágenes generadas separadas con `.detach()`;
# 4. pasada generada: `output_fake`, pérdida con etiquetas de ceros;
# 5. `backward()` de la suma y `step()`;
# 6. devuelve tres números: la pérdida, $D(x)$, la media de `output_real`, y $D(G(z))$, la media de `output_fake`.
#
# Mientras dibuja, $G$ sigue en modo train y actualiza sus medias móviles; sus parámetros no cambian.

# %% [markdown] id="discriminator-step-text-en" tags=["lang-en"]
# ## 6. The steps, with separate passes
# ### The discriminator step (12 marks)
#
# With batch normalisation it matters **with whom** a picture shares its batch: if real and generated ones pass together, mean and variance are those of the mixture, and what $D$ says of a
# real picture depends on the generated ones. Besides, only generated ones pass in the generator's step, and $D$ would normalise them with other statistics than those with which it learned to judge them.
# So there are two passes, and the loss (*pérdida*) is the **sum** of two means. Its steps (the order of the two passes is free):
#
# 1. `zero_grad()` of the optimiser;
# 2. real pass: `output_real = discriminator(real_images)`, loss with labels of ones;
# 3. `n` latent vectors `torch.randn((n, 100, 1, 1), device=...)`, generated pictures cut off with `.detach()`;
# 4. generated pass: `output_fake`, loss with labels of zeros;
# 5. `backward()` of the sum, and `step()`;
# 6. return three numbers: the loss, $D(x)$, the mean of `output_real`, and $D(G(z))$, the mean of `output_fake`.
#
# While it draws, $G$ stays in train mode and updates its moving averages; its parameters do not change.

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

# %% id="claim-passes" tags=["active-py", "claim"]
# of: discriminator-step-text
# es: Además, en el paso del generador solo pasan generadas, y $D$ las normalizaría con estadísticas distintas de aquellas con que aprendió a juzgarlas.
# en: Besides, only generated ones pass in the generator's step, and $D$ would normalise them with other statistics than those with which it learned to judge them.
# es: Mientras dibuja, $G$ sigue en modo train y actualiza sus medias móviles; sus parámetros no cambian.
# en: While it draws, $G$ stays in train mode and updates its moving averages; its parameters do not change.
judge, drawer = Discriminator(), Generator()
some_images, drawn = real_images[:32], drawer(torch.randn(32, 100, 1, 1)).detach()  # (32, 1, 28, 28)
assert (judge(drawn) - judge(torch.cat([some_images, drawn]))[32:]).abs().max() > 1e-3
means, weights = drawer.state_dict()["model.1.running_mean"].clone(), [p.clone() for p in drawer.parameters()]
optimizer = torch.optim.Adam(judge.parameters())
discriminator_step(judge, drawer, optimizer, nn.BCELoss(), some_images)
assert not torch.equal(means, drawer.state_dict()["model.1.running_mean"])
assert all(map(torch.equal, weights, drawer.parameters()))

# %% [markdown] id="generator-step-text-es" tags=["lang-es"]
# ### El paso del generador (9 puntos)
#
# `batch_size` vectores latentes nuevos, sus imágenes sin `.detach()`, etiquetas de unos. Devuelve dos números: la pérdida y $D(G(z))$, la
# media de las salidas del discriminador para esas imágenes. Una sola pasada da las dos cosas.

# %% [markdown] id="generator-step-text-en" tags=["lang-en"]
# ### The generator step (9 marks)
#
# `batch_size` new latent vectors, their pictures without `.detach()`, labels of ones. Return two numbers: the loss and $D(G(z))$, the
# mean of the discriminator's outputs for those pictures. One single pass gives both.

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
# Saltos bruscos entre dos vectores latentes serían señal de memorización (Radford et al., 2016); un cambio gradual no prueba lo contrario. Escribe
# `interpolate(first, second, steps)`: `steps` vectores en línea recta, $(1 - t)\,\text{first} + t\,\text{second}$ con $t$ de 0 a 1 a distancias iguales, **ambos
# extremos incluidos**. `first` y `second` son de forma `(100, 1, 1)`; el resultado, `(steps, 100, 1, 1)`. Pista: con `t = torch.linspace(0, 1, steps).view(steps, 1, 1, 1)`, `t * first` se extiende a
# `(steps, 100, 1, 1)` (*broadcasting*).

# %% [markdown] id="interpolate-text-en" tags=["lang-en"]
# ## 7. A walk through the latent space (5 marks)
#
# Sharp jumps between two latent vectors would be a sign of memorisation (Radford et al., 2016); a gradual change does not prove the contrary. Write
# `interpolate(first, second, steps)`: `steps` vectors on a straight line, $(1 - t)\,\text{first} + t\,\text{second}$ with $t$ from 0 to 1 at equal distances, **both
# ends included**. `first` and `second` have shape `(100, 1, 1)`; the result, `(steps, 100, 1, 1)`. Hint: with `t = torch.linspace(0, 1, steps).view(steps, 1, 1, 1)`, `t * first` spreads to
# `(steps, 100, 1, 1)` (broadcasting).

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
        lab.supplied_size("steps"),
        shape=("steps", 100, 1, 1),
        alone=False,
        points=5,
    )
checks.score

# %% [markdown] id="checkpoint-text-es" tags=["lang-es"]
# ## 8. Interrumpir y reanudar (9 puntos)
#
# Un entrenamiento largo se guarda de vez en cuando. ¿Qué hace falta para seguir donde se quedó? Los **parámetros** de las redes y las
# **estadísticas** de la normalización, que están en `network.state_dict()`; la **memoria** de Adam, que está en `optimizer.state_dict()`; y la época.
#
# - `save_checkpoint(path, epoch, networks, optimizers)` escribe todo en un archivo con `torch.save`. `networks` y `optimizers` son diccionarios,
#   por ejemplo `{"discriminator": ..., "generator": ...}`.
# - `load_checkpoint(path, networks, optimizers)` lo lee con `torch.load(path)`, lo pone en las redes y optimizadores recibidos con
#   `load_state_dict`, y **devuelve la época**.
#
# No guardes las redes mismas (`torch.save(network)`): el archivo dependería de los nombres de tus clases y módulos, y, desde PyTorch 2.6, `torch.load` se niega por defecto a leerlo.
# Para seguir con exactamente los mismos números haría falta además el estado del generador de números aleatorios. Y una CPU solo puede leer lo que se guardó en una GPU con
# `torch.load(path, map_location="cpu")`; `load_state_dict` lleva después cada tensor al dispositivo de su red.

# %% [markdown] id="checkpoint-text-en" tags=["lang-en"]
# ## 8. Interrupting and resuming (9 marks)
#
# A long training is saved from time to time. What does it take to go on from where it stopped? The **parameters** of the networks and the
# **statistics** of normalisation, which are in `network.state_dict()`; the **memory** of Adam, which is in `optimizer.state_dict()`; and the epoch.
#
# - `save_checkpoint(path, epoch, networks, optimizers)` writes all of it into one file with `torch.save`. `networks` and `optimizers` are
#   dictionaries, for example `{"discriminator": ..., "generator": ...}`.
# - `load_checkpoint(path, networks, optimizers)` reads it with `torch.load(path)`, puts it into the networks and optimisers received with
#   `load_state_dict`, and **returns the epoch**.
#
# Do not save the networks themselves (`torch.save(network)`): the file would depend on the names of your classes and modules, and since PyTorch 2.6 `torch.load` refuses by default to read it.
# To go on with exactly the same numbers would also take the state of the random number generator. And a CPU can read what was saved on a GPU only with
# `torch.load(path, map_location="cpu")`; `load_state_dict` then takes each tensor to the device of its network.

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
    checkpoint = torch.load(path, map_location="cpu")
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
# ### Lo que se elige antes
#
# Estos números, los **hiperparámetros**, no los aprende ninguna red: se eligen. Vienen de Radford et al. (2016), salvo donde la tabla dice otra cosa.
#
# | hiperparámetro | aquí | qué hace | si es mayor o menor |
# |---|---|---|---|
# | tamaño del lote | 32 (artículo: 128) | imágenes de un paso: de ellas salen el gradiente y las estadísticas de la normalización | mayor: menos ruido, pasos más caros; menor: al revés |
# | tasa de aprendizaje $\eta$ | 0.0005 para $D$, 0.002 para $G$ (artículo: 0.0002 para ambas, con muchos más pasos) | cuánto se mueve cada parámetro en un paso | mayor: el juego puede oscilar; menor: hacen falta más pasos |
# | $\beta_1$ | 0.5 | memoria de Adam para los gradientes | 0.9, lo habitual: en el artículo el entrenamiento oscilaba; 0: cada paso sigue solo a su lote |
# | $\beta_2$ | 0.999 (el de Adam) | memoria de Adam para sus cuadrados | menor: la escala se adapta antes, con más ruido |
# | dimensiones de $z$ | 100 | de cuántos números sale una imagen | mayor: más pesos en la primera capa; menor: menos variedad posible |
# | desviación inicial | 0.02 | tamaño de los primeros pesos | en las últimas capas, sin normalización: mayor, tanh y sigmoide comienzan saturadas; menor, salidas casi constantes y gradientes débiles. Donde sigue BatchNorm, el tamaño se borra de la salida, pero decide cuánto pesa cada paso: el mismo paso cambia más unos pesos pequeños |
# | pendiente de LeakyReLU | 0.2 | qué parte de lo negativo pasa | 0: es ReLU, y una neurona puede apagarse; 1: la capa es lineal |
# | memoria del promedio | 0.99 (no es del artículo) | cuántos pasos promedia el generador que miramos | mayor: imágenes más estables, pero atrasadas; 0: el generador mismo |
#
# Con tan pocos pasos, damos a $G$ una tasa cuatro veces mayor que a $D$, para que no se quede atrás; aun así, $D$ irá por delante.
#
# **Adam** (Kingma y Ba, 2015) lleva para cada parámetro $\theta$, cuyo gradiente en el paso $t$ es $g$, una media móvil (*moving average*) de $g$ y otra de $g^2$:
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
# \theta \leftarrow \theta - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}.$$
# Los divisores compensan que $m$ y $v$ comiencen en 0, y $\epsilon = 10^{-8}$ evita dividir entre 0. El cociente no depende de la escala de $g$: mientras los gradientes
# apuntan hacia el mismo lado y su tamaño cambia poco, cada parámetro avanza cerca de $\eta$ por paso.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# ## 9. The training
# ### What is chosen beforehand
#
# These numbers, the **hyperparameters**, are learned by no network: they are chosen. They come from Radford et al. (2016), except where the table says otherwise.
#
# | hyperparameter | here | what it does | if larger or smaller |
# |---|---|---|---|
# | batch size | 32 (paper: 128) | pictures of a step: the gradient and the statistics of normalisation come from them | larger: less noise, costlier steps; smaller: the reverse |
# | learning rate $\eta$ | 0.0005 for $D$, 0.002 for $G$ (paper: 0.0002 for both, with many more steps) | how far a step moves each parameter | larger: the game may oscillate; smaller: it takes more steps |
# | $\beta_1$ | 0.5 | Adam's memory of gradients | 0.9, the usual: in the paper the training oscillated; 0: each step follows its own batch alone |
# | $\beta_2$ | 0.999 (Adam's own) | Adam's memory of their squares | smaller: the scale adapts sooner, with more noise |
# | dimensions of $z$ | 100 | how many numbers a picture is made of | larger: more weights in the first layer; smaller: less variety possible |
# | initial standard deviation | 0.02 | size of the first weights | in the last layers, without normalisation: larger, tanh and sigmoid start saturated; smaller, outputs almost constant and weak gradients. Where BatchNorm follows, the size is erased from the output, but it decides how much each step weighs: the same step changes small weights more |
# | slope of LeakyReLU | 0.2 | how much of what is negative passes | 0: it is ReLU, and a unit may go dead; 1: the layer is linear |
# | memory of the average | 0.99 (not from the paper) | over how many steps the generator that we look at is averaged | larger: steadier pictures, but late ones; 0: the generator itself |
#
# With so few steps, $G$ gets four times the rate of $D$, so as not to fall behind; even so, $D$ will be ahead.
#
# **Adam** (Kingma and Ba, 2015) keeps for each parameter $\theta$, whose gradient in step $t$ is $g$, a moving average (*media móvil*) of $g$ and one of $g^2$:
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
# \theta \leftarrow \theta - \eta\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}.$$
# The divisors make up for $m$ and $v$ starting at 0, and $\epsilon = 10^{-8}$ avoids dividing by 0. The quotient does not depend on the scale of $g$: while gradients
# point the same way and their size changes little, each parameter moves by about $\eta$ a step.

# %% id="claim-initial" tags=["active-py", "claim"]
# es: … mayor, tanh y sigmoide comienzan saturadas; menor, salidas casi constantes y gradientes débiles.
# en: … larger, tanh and sigmoid start saturated; smaller, outputs almost constant and weak gradients.
# es: Donde sigue BatchNorm, el tamaño se borra de la salida, pero decide cuánto pesa cada paso: el mismo paso cambia más unos pesos pequeños …
# en: Where BatchNorm follows, the size is erased from the output, but it decides how much each step weighs: the same step changes small weights more …
begins = {}
for factor in (0.1, 1.0, 10.0):
    torch.manual_seed(3)
    both = nn.ModuleList([Generator(), Discriminator()]).apply(initialise_weights)
    with torch.no_grad():
        for layer in both.modules():
            if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
                layer.weight *= factor
    drawn = both[0](torch.randn(64, 100, 1, 1))  # (64, 1, 28, 28)
    outputs = both[1](drawn)  # (64, 1)
    nn.BCELoss()(outputs, torch.ones(64, 1)).backward()
    saturated = ((outputs < 0.05) | (outputs > 0.95)).float().mean()
    slope = next(both[0].parameters()).grad.norm()
    begins[factor] = (drawn.abs().mean(), outputs.std(), saturated, slope)
assert begins[10.0][0] > 0.6 > 0.3 > begins[1.0][0] and begins[10.0][2] > 0.4 > 0.1 > begins[1.0][2]
assert begins[0.1][0] < 0.05 and begins[0.1][1] < 0.01 and begins[0.1][3] < 0.1 * begins[1.0][3]
first_layer, images = Generator().model[:2], torch.randn(64, 100, 1, 1)
usual = first_layer(images)
with torch.no_grad():
    first_layer[0].weight *= 10
assert (first_layer(images) - usual).abs().mean() < 0.02
one_step = {}
for size in (0.02, 0.2):
    normalised = nn.Sequential(nn.ConvTranspose2d(100, 8, 7, bias=False), nn.BatchNorm2d(8))
    nn.init.normal_(normalised[0].weight, 0.0, size)
    before_step, adam = normalised[0].weight.detach().clone(), torch.optim.Adam(normalised.parameters(), lr=0.002)
    normalised(images).tanh().sum().backward()
    adam.step()
    one_step[size] = (normalised[0].weight - before_step).norm() / before_step.norm()
assert one_step[0.02] > 5 * one_step[0.2]

# %% id="start"
def start(discriminator, generator, rates=(0.0005, 0.002)):
    """es: Redes con sus pesos iniciales, el generador promediado y los optimizadores."""
    """en: Networks with their initial weights, the averaged generator, and the optimisers."""
    networks = {"discriminator": discriminator, "generator": generator}
    optimizers = {}
    for (role, network), rate in zip(networks.items(), rates, strict=True):
        network.apply(initialise_weights)
        optimizers[role] = torch.optim.Adam(network.parameters(), lr=rate, betas=(0.5, 0.999))
    networks["average"] = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    return networks, optimizers

# %% [markdown] id="loop-text-es" tags=["lang-es"]
# ### El ciclo
#
# Es el de siempre, con tres añadidos. Después de cada paso, `average` se acerca un poco al generador: es el **generador promediado** del laboratorio 2, y el que se
# muestra y se mide. La pérdida recuerda cuánto valió por última vez con etiquetas de unos y con etiquetas de ceros: así se ven por separado la parte real y la generada, que el paso
# del discriminador devuelve sumadas. Y se anota cuánto tarda cada paso: en una CPU, en tiempo de procesador; en una GPU, según el reloj.

# %% [markdown] id="loop-text-en" tags=["lang-en"]
# ### The loop
#
# It is the usual one, with three additions. After each step `average` moves a little towards the generator: it is the **averaged generator** of lab 2, and the one that is
# shown and measured. The loss remembers its last value with labels of ones and with labels of zeros: so the real and the generated part can be seen separately, which the discriminator
# step returns as a sum. And it is noted how long each step takes: on a CPU, in processor time; on a GPU, by the clock.

# %% id="noted-loss"
class NotedLoss(nn.BCELoss):
    """es: La entropía cruzada, que recuerda su último valor con unos y con ceros."""
    """en: Cross-entropy that remembers its last value with ones and with zeros."""

    def __init__(self):
        super().__init__()
        self.last = {"real": math.nan, "fake": math.nan}

    def forward(self, input, target):
        loss = super().forward(input, target)
        self.last["real" if target.mean() > 0.5 else "fake"] = loss.item()
        return loss

# %% id="claim-noted" tags=["active-py", "claim"]
# es: La pérdida recuerda cuánto valió por última vez con etiquetas de unos y con etiquetas de ceros: …
# en: The loss remembers its last value with labels of ones and with labels of zeros: …
remembers, outputs = NotedLoss(), torch.full((10, 1), 0.8)
for labels in (torch.zeros(10, 1), torch.ones(10, 1), torch.zeros(10, 1)):
    remembers(outputs, labels)
assert abs(remembers.last["real"] + math.log(0.8)) < 1e-4
assert abs(remembers.last["fake"] + math.log(0.2)) < 1e-4

# %% id="train"
clock = time.perf_counter if device.type == "cuda" else time.process_time


def train(networks, optimizers, batches, num_steps, on_epoch_end=lambda epoch, history: None):
    """es: Entrena `num_steps` pasos; devuelve las curvas."""
    """en: Train for `num_steps` steps; return the curves."""
    discriminator, generator = networks["discriminator"], networks["generator"]
    target = next(generator.parameters()).device
    history = History("real", "fake", "generator", "d_x", "d_g_z", "seconds")
    loss_function = NotedLoss()
    for epoch in progress(range(math.ceil(num_steps / len(batches)))):
        for (images,) in batches:
            if len(history) == num_steps:
                break
            started = clock()
            images = images.to(target)  # (32, 1, 28, 28)
            _, d_x, d_g_z = discriminator_step(
                discriminator, generator, optimizers["discriminator"], loss_function, images
            )
            parts = dict(loss_function.last)
            loss_generator, _ = generator_step(
                discriminator, generator, optimizers["generator"], loss_function, len(images)
            )
            networks["average"].update_parameters(generator)
            scores = {"d_x": d_x, "d_g_z": d_g_z}
            history.record(**parts, **scores, generator=loss_generator, seconds=clock() - started)
        on_epoch_end(epoch, history)
    return history


def draw(generator, latent):
    """es: Imágenes de unos vectores latentes, en modo eval y en la CPU; después restablece el modo de la red."""
    """en: Pictures of some latent vectors, in eval mode and on the CPU; the network's mode is restored."""
    was_training = generator.training
    generator.eval()
    with torch.no_grad():
        images = generator(latent).cpu()
    generator.train(was_training)
    return images

# %% [markdown] id="run-text-es" tags=["lang-es"]
# ### A entrenar
#
# Al final de cada época: un fotograma del generador promediado, siempre con los mismos vectores latentes; imágenes y medias para **TensorBoard**, que recibe además
# unos dígitos reales para comparar; y un punto de control (*checkpoint*). Cada entrenamiento escribe en una carpeta propia dentro de `runs`. Para ver TensorBoard mientras entrena, escribe en una terminal, en la carpeta del cuaderno,
# `tensorboard --logdir runs`, y abre la dirección que muestra. Busca en qué época `d_x` y `d_g_z` están más lejos entre sí, y desde cuál lees dígitos en `generated`.
# En Colab, antes de entrenar y en una celda nueva:
#
# ```
# %load_ext tensorboard
# %tensorboard --logdir runs
# ```

# %% [markdown] id="run-text-en" tags=["lang-en"]
# ### Training
#
# At the end of each epoch: a frame of the averaged generator, always with the same latent vectors; pictures and means for **TensorBoard**, which also receives some
# real digits to compare with; and a checkpoint (*punto de control*). Each run writes into a folder of its own inside `runs`. To watch TensorBoard during the training, type in a terminal, in the folder of the notebook,
# `tensorboard --logdir runs`, and open the address that it shows. Look for the epoch in which `d_x` and `d_g_z` are farthest apart, and for the first whose `generated` you can read as digits.
# In Colab, before the training and in a new cell:
#
# ```
# %load_ext tensorboard
# %tensorboard --logdir runs
# ```

# %% id="run" tags=["raises-exception"]
torch.manual_seed(111)
fixed_latent = torch.randn(32, 100, 1, 1, device=device)
batches = Batches(real_images, batch_size=32, drop_last=True)
num_steps = budget(cpu=840, cuda=10_000, grading=1, device=device)
networks, optimizers = start(Discriminator().to(device), Generator().to(device))
middle_epoch = math.ceil(num_steps / len(batches)) // 2
film = ImageGifRecorder()
snapshots, kept = [], {}
writer = SummaryWriter(time.strftime("runs/lab3_dcgan_%Y-%m-%d_%H-%M-%S"))
writer.add_image("real", make_grid(real_images[:32], normalize=True, value_range=(-1, 1)))


def after_epoch(epoch, history):
    images = draw(networks["average"], fixed_latent)  # (32, 1, 28, 28)
    film.add(images[:24], f"Época {epoch + 1}")  # es
    film.add(images[:24], f"Epoch {epoch + 1}")  # en
    snapshots.append(images[:8])
    if epoch == middle_epoch:
        kept["middle"] = copy.deepcopy(networks["average"])
    writer.add_image("generated", make_grid(images, normalize=True, value_range=(-1, 1)), epoch)
    for name in ("real", "fake", "generator", "d_x", "d_g_z"):
        values = getattr(history, name)[-len(batches) :]
        writer.add_scalar(name, sum(values) / len(values), epoch)
    save_checkpoint("lab3_dcgan.pt", epoch, networks, optimizers)


history = train(networks, optimizers, batches, num_steps, after_epoch)
writer.close()
print(f"{num_steps} pasos de {1000 * median(history.seconds):.0f} ms")  # es
print(f"{num_steps} steps of {1000 * median(history.seconds):.0f} ms")  # en

# %% id="film" tags=["raises-exception"]
film.save("lab3_dcgan.gif")

# %% [markdown] id="snapshots-text-es" tags=["lang-es"]
# Para quien lee en papel: ocho de esos vectores latentes, en seis momentos. Primero una textura gris, casi la misma para todos; después, trazos que se afilan.

# %% [markdown] id="snapshots-text-en" tags=["lang-en"]
# For those who read on paper: eight of those latent vectors, at six moments. First a grey texture, almost the same for all; then strokes, which grow sharper.

# %% id="snapshots" tags=["raises-exception"]
shown = [round(k * (len(snapshots) - 1) / 5) for k in range(6)]
moments = torch.cat([snapshots[epoch] for epoch in shown])  # (48, 1, 28, 28)
names = [f"época {epoch + 1}" for epoch in shown]  # es
image_grid(moments, title="Ocho vectores latentes, por época", rows=names)  # es
names = [f"epoch {epoch + 1}" for epoch in shown]  # en
image_grid(moments, title="Eight latent vectors, by epoch", rows=names)  # en

# %% id="claim-snapshots" tags=["active-py", "claim"]
# of: snapshots-text
# es: Primero una textura gris, casi la misma para todos; después, trazos que se afilan.
# en: First a grey texture, almost the same for all; then strokes, which grow sharper.
first, fourth, last = snapshots[0], snapshots[3], snapshots[-1]  # (8, 1, 28, 28)
assert first.std(dim=0).mean() < 0.3 * last.std(dim=0).mean()
assert first.abs().mean() < fourth.abs().mean() < last.abs().mean()

# %% [markdown] id="plot-text-es" tags=["lang-es"]
# Y ahora vectores latentes nuevos, sin elegir: cuatro filas de imágenes generadas y, debajo, dos de dígitos reales.

# %% [markdown] id="plot-text-en" tags=["lang-en"]
# And now new latent vectors, none picked: four rows of generated pictures and, below, two of real digits.

# %% id="plot-generated" tags=["raises-exception"]
torch.manual_seed(7)
new_latent = torch.randn(48, 100, 1, 1, device=device)
beside_real = torch.cat([draw(networks["average"], new_latent), real_images[:24]])  # (72, 1, 28, 28)
rows = ["generadas"] * 4 + ["reales"] * 2  # es
image_grid(beside_real, title="Imágenes del generador promediado, sin elegir", columns=12, rows=rows)  # es
rows = ["generated"] * 4 + ["real"] * 2  # en
image_grid(beside_real, title="Pictures of the averaged generator, none picked", columns=12, rows=rows)  # en

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Qué dicen las curvas
#
# La pérdida tiene tres partes, cada una una media del lote: la **real**, $-\ln D(x)$, y la **generada**, $-\ln(1 - D(G(z)))$, que el discriminador minimiza
# sumadas, y la del **generador**, $-\ln D(G(z))$.
#
# **En teoría**, en el equilibrio nada se puede distinguir: $D = 1/2$ en todas partes, cada parte vale $\ln 2 \approx 0.69$ y la suma del discriminador, $2 \ln 2 \approx 1.39$
# (Goodfellow et al., 2014).

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### What the curves say
#
# The loss has three parts, each a mean over the batch: the **real** one, $-\ln D(x)$, and the **generated** one, $-\ln(1 - D(G(z)))$, whose sum the
# discriminator minimises, and the **generator's**, $-\ln D(G(z))$.
#
# **In theory**, at equilibrium nothing can be told apart: $D = 1/2$ everywhere, each part is $\ln 2 \approx 0.69$, and the discriminator's sum $2 \ln 2 \approx 1.39$
# (Goodfellow et al., 2014).

# %% id="claim-equilibrium" tags=["active-py", "claim"]
# es: … cada parte vale $\ln 2 \approx 0.69$ y la suma del discriminador, $2 \ln 2 \approx 1.39$ …
# en: … each part is $\ln 2 \approx 0.69$, and the discriminator's sum $2 \ln 2 \approx 1.39$ …
half_and_half = torch.full((10, 1), 0.5)
part_real = nn.BCELoss()(half_and_half, torch.ones(10, 1))
part_fake = nn.BCELoss()(half_and_half, torch.zeros(10, 1))
assert abs(part_real - 0.69) < 0.005
assert abs(part_real + part_fake - 1.39) < 0.005

# %% id="curves-loss" tags=["raises-exception"]
ln_2 = (math.log(2), r"$\ln 2$")
parts = {"$D$: real": history.real, "$D$: generada": history.fake, "$G$": history.generator}  # es
curves(parts, title="Las tres partes de la pérdida, media de 20 pasos", smooth=20, ylim=(0, 2), level=ln_2)  # es
parts = {"$D$: real": history.real, "$D$: generated": history.fake, "$G$": history.generator}  # en
curves(parts, title="The three parts of the loss, mean of 20 steps", smooth=20, ylim=(0, 2), level=ln_2)  # en

# %% id="curves-score" tags=["raises-exception"]
scores = {"$D(x)$": history.d_x, "$D(G(z))$": history.d_g_z}
curves(scores, title="Salidas de $D$, media de 20 pasos", ylabel="media del lote", smooth=20, level=(0.5, "1/2"))  # es
curves(scores, title="Outputs of $D$, mean of 20 steps", ylabel="mean of the batch", smooth=20, level=(0.5, "1/2"))  # en

# %% [markdown] id="observed-text-es" tags=["lang-es"]
# **Lo que se observa** es otra cosa. Los primeros pasos son un vaivén en el que la pérdida de $G$ llega a varias veces $\ln 2$ (la gráfica lo recorta). Después las curvas se aplanan sin llegar al equilibrio: en las medias móviles, las dos partes de $D$ quedan casi siempre por debajo de $\ln 2$, la de $G$ por encima, y $D(x)$ por encima de $D(G(z))$; los lotes sueltos (en color pálido) cruzan $\ln 2$ a menudo.
# De media, el discriminador va por delante hasta el final, pero lo que contesta no queda lejos de 1/2. Eso no es mérito de $G$, cuyas imágenes quedan lejos de las reales, como dirán las métricas: es que $D$ las distingue mal. Y en la segunda mitad del entrenamiento, mientras las curvas apenas cambian, las imágenes siguen mejorando, como dirán también las métricas.
#
# Por eso las pérdidas no miden la calidad: cada una dice cómo le va a una red contra la otra, y las dos cambian a la vez. Si $D$ mejora más deprisa que $G$, la
# pérdida de $G$ puede subir aunque sus imágenes sean mejores que antes; y un discriminador que siempre contesta 1/2 da exactamente las cifras del equilibrio, dibuje $G$ lo que dibuje.
# La calidad se mide aparte.

# %% [markdown] id="observed-text-en" tags=["lang-en"]
# **What is observed** is something else. The first steps swing wildly: the loss of $G$ reaches several times $\ln 2$ (the plot cuts it off). Then the curves flatten without arriving at the equilibrium: in the moving averages, both parts of $D$ are nearly always below $\ln 2$, that of $G$ above, and $D(x)$ above $D(G(z))$; single batches (in pale colours) often cross $\ln 2$.
# On average the discriminator is ahead to the end, but its answers are not far from 1/2. That is not to the credit of $G$, whose pictures are still far from real ones, as the metrics will say: it is $D$ that tells them apart poorly. And in the second half of the training, while the curves hardly change, the pictures go on improving, as the metrics will say too.
#
# So losses are no measure of quality: each one tells how one network does against the other, and both change at once. If $D$ improves faster than $G$, the loss of $G$ may rise
# even though its pictures are better than before; and a discriminator that always answers 1/2 gives exactly the numbers of the equilibrium, whatever $G$ draws.
# Quality is measured separately.

# %% [markdown] id="quality-text-es" tags=["lang-es"]
# ### Métricas
#
# La vara de medir del laboratorio 2, con un clasificador pequeño, entrenado con estos mismos dígitos:
#
# - **clases**: cuántos de los diez dígitos aparecen, cada uno en al menos el 1 % de las imágenes;
# - **confianza**: la probabilidad media de la clase que elige el clasificador;
# - **distancia**: la de Fréchet (Heusel et al., 2017) entre las características (*features*) que el clasificador ve en las imágenes generadas y en las reales; 0 si se distribuyen igual.
#
# Una sola medida depende de los vectores latentes y de las imágenes reales con que se compara. Por eso medimos cuatro veces, siempre con los mismos cuatro conjuntos de vectores y las mismas cuatro particiones de los dígitos en mitades, y damos la media y, entre
# paréntesis, la menor y la mayor. La primera línea mide cada mitad real contra la otra: es lo que daría un generador perfecto, con imágenes nuevas de la misma distribución.
# (El clasificador ya conocía buena parte de estas imágenes: su confianza en ellas es optimista.) (Copiar la mitad con que se compara daría 0, y no sería mejor.)

# %% [markdown] id="quality-text-en" tags=["lang-en"]
# ### Metrics
#
# The yardstick of lab 2, with a small classifier that was trained on these same digits:
#
# - **classes**: how many of the ten digits occur, each in at least 1 % of the pictures;
# - **confidence**: the mean probability of the class that the classifier chooses;
# - **distance**: that of Fréchet (Heusel et al., 2017) between the features (*características*) that the classifier sees in generated and in real pictures; 0 if they are equally distributed.
#
# A single measurement depends on the latent vectors and on the real pictures that it compares with. So we measure four times, always with the same four sets of vectors and the same four splits of the digits into halves, and give the mean and, in brackets,
# the smallest and the largest. The first line measures one real half against the other: it is what a perfect generator would give, with new pictures of the same distribution.
# (The classifier already knew a good part of these pictures: its confidence in them is optimistic.) (Copying the reference half would give 0 without being better.)

# %% id="ruler"
torch.manual_seed(0)
times = budget(cpu=4, cuda=4, grading=1, device=device)
half = min(1000, len(digits) // 2)
splits = [real_images[torch.randperm(len(digits))] for _ in range(times)]
measuring_latent = torch.randn(times, half, 100, 1, 1, device=device)
classifier = fit_digit_classifier(real_images, digits.labels)


def measure(generator):
    """es: Varias medidas del mismo generador, con vectores latentes fijos."""
    """en: Several measurements of one generator, with fixed latent vectors."""
    pairs = zip(measuring_latent, splits, strict=True)
    return QualitySpread(
        [digit_quality(draw(generator, latent), split[:half], classifier) for latent, split in pairs]
    )


real_quality = QualitySpread(
    [digit_quality(split[-half:], split[:half], classifier) for split in splits]
)
print("reales:   ", real_quality)  # es
print("real:     ", real_quality)  # en

# %% id="quality" tags=["raises-exception"]
middle_quality = measure(kept["middle"])
quality = measure(networks["average"])
print("a la mitad:", middle_quality)  # es
print("al final:  ", quality)  # es
print("half-way:  ", middle_quality)  # en
print("at the end:", quality)  # en

# %% id="claim-observed" tags=["active-py", "claim"]
# of: observed-text
# es: Los primeros pasos son un vaivén en el que la pérdida de $G$ llega a varias veces $\ln 2$ (la gráfica lo recorta).
# en: The first steps swing wildly: the loss of $G$ reaches several times $\ln 2$ (the plot cuts it off).
# es: Después las curvas se aplanan sin llegar al equilibrio: en las medias móviles, las dos partes de $D$ quedan casi siempre por debajo de $\ln 2$, la de $G$ por encima, y $D(x)$ por encima de $D(G(z))$; los lotes sueltos (en color pálido) cruzan $\ln 2$ a menudo.
# en: Then the curves flatten without arriving at the equilibrium: in the moving averages, both parts of $D$ are nearly always below $\ln 2$, that of $G$ above, and $D(x)$ above $D(G(z))$; single batches (in pale colours) often cross $\ln 2$.
# es: De media, el discriminador va por delante hasta el final, pero lo que contesta no queda lejos de 1/2.
# en: On average the discriminator is ahead to the end, but its answers are not far from 1/2.
# es: Eso no es mérito de $G$, cuyas imágenes quedan lejos de las reales, como dirán las métricas: es que $D$ las distingue mal.
# en: That is not to the credit of $G$, whose pictures are still far from real ones, as the metrics will say: it is $D$ that tells them apart poorly.
# of: train-text
# es: Con tan pocos pasos, damos a $G$ una tasa cuatro veces mayor que a $D$, …; aun así, $D$ irá por delante.
# en: With so few steps, $G$ gets four times the rate of $D$, …; even so, $D$ will be ahead.
assert optimizers["generator"].defaults["lr"] == 4 * optimizers["discriminator"].defaults["lr"]
parts = torch.tensor([history.real, history.fake, history.generator])  # (3, num_steps)
third, last = parts[:, num_steps // 2 : 3 * num_steps // 4].mean(dim=1), parts[:, 3 * num_steps // 4 :].mean(dim=1)
assert parts[2, :50].max() > max(2, 3 * math.log(2))
assert last[0] < math.log(2) - 0.02
assert last[1] < math.log(2) - 0.02
assert last[2] > math.log(2) + 0.05
smoothed = parts[:, 100:].unfold(1, 20, 1).mean(dim=2)  # (3, num_steps - 119)
assert (smoothed[:2] < math.log(2)).float().mean(dim=1).min() > 0.75
assert (smoothed[2] > math.log(2)).float().mean() > 0.9
answers = torch.tensor([history.d_x, history.d_g_z])[:, 100:]  # (2, num_steps - 100)
smoothed_answers = answers.unfold(1, 20, 1).mean(dim=2)  # (2, num_steps - 119)
assert (smoothed_answers[0] > smoothed_answers[1]).float().mean() > 0.9
assert (parts[:2, 100:] > math.log(2)).float().mean() > 0.05 and (parts[2, 100:] < math.log(2)).float().mean() > 0.01
assert (answers[:, -200:].mean(dim=1) - 0.5).abs().max() < 0.2
assert quality.distance[1] > 5 * real_quality.distance[0]
assert sum(history.d_x[-200:]) / 200 > sum(history.d_g_z[-200:]) / 200 + 0.05

# %% id="claim-half" tags=["active-py", "claim"]
# of: observed-text
# es: Si $D$ mejora más deprisa que $G$, …; y un discriminador que siempre contesta 1/2 da exactamente las cifras del equilibrio, dibuje $G$ lo que dibuje.
# en: If $D$ improves faster than $G$, …; and a discriminator that always answers 1/2 gives exactly the numbers of the equilibrium, whatever $G$ draws.
loss_by_label, always_half = NotedLoss(), torch.full((10, 1), 0.5)
for labels in (torch.ones(10, 1), torch.zeros(10, 1)):
    loss_by_label(always_half, labels)
assert all(abs(part - math.log(2)) < 1e-5 for part in loss_by_label.last.values())

# %% id="claim-improves" tags=["active-py", "claim"]
# of: observed-text
# es: Y en la segunda mitad del entrenamiento, mientras las curvas apenas cambian, las imágenes siguen mejorando, como dirán también las métricas.
# en: And in the second half of the training, while the curves hardly change, the pictures go on improving, as the metrics will say too.
parts = torch.tensor([history.real, history.fake, history.generator])  # (3, num_steps)
third, last = parts[:, num_steps // 2 : 3 * num_steps // 4].mean(dim=1), parts[:, 3 * num_steps // 4 :].mean(dim=1)
assert abs(last[0] - third[0]) < 0.15
assert abs(last[1] - third[1]) < 0.15
assert abs(last[2] - third[2]) < 0.4
assert quality.distance[2] < middle_quality.distance[1]

# %% id="claim-best" tags=["active-py", "claim"]
# es: La primera línea mide cada mitad real contra la otra: es lo que daría un generador perfecto, …
# en: The first line measures one real half against the other: it is what a perfect generator would give, …
# es: (Copiar la mitad con que se compara daría 0, y no sería mejor.)
# en: (Copying the reference half would give 0 without being better.)
assert digit_quality(splits[0][:half], splits[0][:half], classifier).distance < 1e-3
assert real_quality.distance[2] < quality.distance[1]
assert real_quality.classes[1] == 10 and real_quality.confidence[0] > 0.9

# %% [markdown] id="dense-text-es" tags=["lang-es"]
# ### ¿Mejor que las redes densas?
#
# Entrenamos las redes reparadas del laboratorio 2 en el mismo ciclo, con la tasa que tenían allí y durante tantos pasos como la DCGAN. También su generador se promedia, y se mide con la misma vara.

# %% [markdown] id="dense-text-en" tags=["lang-en"]
# ### Better than dense networks?
#
# We train the repaired networks of lab 2 in the same loop, with the rate that they had there and for as many steps as the DCGAN. Their generator is averaged too, and measured with the same yardstick.

# %% id="claim-four" tags=["active-py", "claim"]
# of: quality-text
# es: Por eso medimos cuatro veces, siempre con los mismos cuatro conjuntos de vectores y las mismas cuatro particiones de los dígitos en mitades, …
# en: So we measure four times, always with the same four sets of vectors and the same four splits of the digits into halves, …
assert len(quality.measurements) == len(real_quality.measurements) == len(splits) == len(measuring_latent) == 4

# %% id="dense-networks" tags=["raises-exception"]
torch.manual_seed(111)
dense_discriminator = nn.Sequential(
    nn.Flatten(),
    nn.Linear(784, 512), nn.LeakyReLU(0.2), nn.Dropout(0.3),
    nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Dropout(0.3),
    nn.Linear(256, 1), nn.Sigmoid(),
).to(device)
dense_generator = nn.Sequential(
    nn.Flatten(),  # (n, 100, 1, 1) -> (n, 100)
    nn.Linear(100, 128), nn.BatchNorm1d(128), nn.LeakyReLU(0.2),
    nn.Linear(128, 256), nn.BatchNorm1d(256), nn.LeakyReLU(0.2),
    nn.Linear(256, 512), nn.BatchNorm1d(512), nn.LeakyReLU(0.2),
    nn.Linear(512, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28)),
).to(device)

# %% id="dense-run" tags=["raises-exception"]
dense_networks, dense_optimizers = start(dense_discriminator, dense_generator, rates=(0.0005, 0.0005))
dense_history = train(dense_networks, dense_optimizers, batches, num_steps)
dense_quality = measure(dense_networks["average"])

# %% id="table-rows"
headings = ("parámetros", "ms por paso", "clases", "confianza", "distancia")  # es
headings = ("parameters", "ms per step", "classes", "confidence", "distance")  # en
spread = "{:.2f} ({:.2f} – {:.2f})".format


def count(network):
    """es: Número de parámetros."""
    """en: Number of parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def table_row(pair, history, quality):
    """es: Parámetros de ambas redes, milisegundos de un paso (la mediana) y calidad."""
    """en: Parameters of both networks, milliseconds of a step (the median) and quality."""
    total = f"{count(pair['generator']) + count(pair['discriminator']):,}"
    total = total.replace(",", "\N{NARROW NO-BREAK SPACE}")  # es
    classes = " – ".join(str(number) for number in sorted(set(quality.classes[1:])))
    figures = (spread(*quality.confidence), spread(*quality.distance))
    return (total, f"{1000 * median(history.seconds):.0f}", classes, *figures)

# %% id="dense-compare" tags=["raises-exception"]
rows = [table_row(networks, history, quality), table_row(dense_networks, dense_history, dense_quality)]
table(headings, rows, names=["DCGAN", "densas"])  # es
table(headings, rows, names=["DCGAN", "dense"])  # en

# %% id="dense-intervals" tags=["raises-exception"]
distances = {"reales": real_quality.distance, "DCGAN": quality.distance, "densas": dense_quality.distance}  # es
intervals(distances, title="La misma vara: menos es mejor", xlabel="distancia (escala logarítmica)", log=True)  # es
distances = {"real": real_quality.distance, "DCGAN": quality.distance, "dense": dense_quality.distance}  # en
intervals(distances, title="The same yardstick: less is better", xlabel="distance (logarithmic scale)", log=True)  # en

# %% id="dense-plot" tags=["raises-exception"]
side_by_side = torch.cat([draw(network["average"], new_latent[:24]) for network in (networks, dense_networks)])
image_grid(side_by_side, title="DCGAN y densas, sin elegir", columns=12, rows=["DCGAN"] * 2 + ["densas"] * 2)  # es
image_grid(side_by_side, title="DCGAN and dense, none picked", columns=12, rows=["DCGAN"] * 2 + ["dense"] * 2)  # en

# %% [markdown] id="dense-result-text-es" tags=["lang-es"]
# Con los mismos pasos y menos parámetros, la DCGAN se acerca más a los dígitos reales: su distancia es varias veces menor que la de las redes densas, y la diferencia es mucho mayor que
# la dispersión de las medidas. La confianza, en cambio, apenas las distingue. Con algunas semillas, a las redes densas les falta además algún dígito, y a la DCGAN no. El fondo de la DCGAN queda más limpio, probablemente porque en una capa densa cada píxel tiene pesos propios
# y su propio ruido, mientras que una convolución transpuesta pinta píxeles vecinos a la vez. De los dígitos reales, las dos quedan lejos.
#
# No sale gratis: en una CPU, cada paso de la DCGAN cuesta varias veces lo que uno denso (unas cinco en la nuestra). Aquí se igualan los pasos, no el tiempo, y con muchos más pasos las redes densas también mejoran,
# como se vio en el laboratorio 2. Cada pareja se entrenó con una sola semilla y con las tasas de su laboratorio.

# %% [markdown] id="dense-result-text-en" tags=["lang-en"]
# With equal steps and fewer parameters the DCGAN comes closer to real digits: its distance is several times smaller than that of the dense networks, and the difference is much larger than
# the spread of the measurements. Confidence, however, hardly tells them apart. With some seeds the dense networks also lose a digit, and the DCGAN does not. The background of the DCGAN is cleaner, probably because in a dense layer each pixel has weights and noise of
# its own, while a transposed convolution paints neighbouring pixels at once. From real digits both remain far.
#
# It is not free: on a CPU, each step of the DCGAN costs several times as much as a dense one (about five on ours). Steps are equal here, and time is not; with many more steps the dense networks improve as well,
# as lab 2 showed. Each pair was trained with a single seed and with the rates of its lab.

# %% id="claim-dense" tags=["active-py", "claim"]
# es: La confianza, en cambio, apenas las distingue.
# en: Confidence, however, hardly tells them apart.
# es: … su distancia es varias veces menor que la de las redes densas, y la diferencia es mucho mayor que la dispersión de las medidas.
# en: … its distance is several times smaller than that of the dense networks, and the difference is much larger than the spread of the measurements.
# es: De los dígitos reales, las dos quedan lejos.
# en: From real digits both remain far.
assert 2 * quality.distance[0] < dense_quality.distance[0]
widest = max(high - low for _, low, high in (quality.distance, dense_quality.distance))
assert dense_quality.distance[0] - quality.distance[0] > 3 * widest
assert abs(dense_quality.confidence[0] - quality.confidence[0]) < 0.12
assert count(networks["generator"]) + count(networks["discriminator"]) < 0.9 * sum(map(count, (dense_generator, dense_discriminator)))
assert 5 * real_quality.distance[0] < min(quality.distance[0], dense_quality.distance[0])
assert real_quality.confidence[0] - 0.2 > quality.confidence[0]

# %% id="claim-background" tags=["active-py", "claim"]
# es: El fondo de la DCGAN queda más limpio, …
# en: The background of the DCGAN is cleaner, …
borders = [draw(each["average"], measuring_latent[0])[..., :3, :].add(1).mean() for each in (networks, dense_networks)]
assert borders[0] < borders[1]

# %% id="claim-cost" tags=["active-py", "claim"]
# es: No sale gratis: en una CPU, cada paso de la DCGAN cuesta varias veces lo que uno denso (unas cinco en la nuestra).
# en: It is not free: on a CPU, each step of the DCGAN costs several times as much as a dense one (about five on ours).
assert 2.5 < median(history.seconds) / median(dense_history.seconds) < 10

# %% id="claim-lost-digit" tags=["active-py", "claim", "seed-dependent"]
# es: Con algunas semillas, a las redes densas les falta además algún dígito, y a la DCGAN no.
# en: With some seeds the dense networks also lose a digit, and the DCGAN does not.
assert max(dense_quality.classes) < 10 and min(quality.classes) == 10

# %% [markdown] id="walk-text-es" tags=["lang-es"]
# ### El paseo
#
# De un vector latente a otro en ocho pasos, cinco veces. El generador es una función continua, así que entre dos imágenes siempre hay otras: mira si los trazos
# cambian poco a poco o de golpe, y si lo intermedio se lee como un dígito.

# %% [markdown] id="walk-text-en" tags=["lang-en"]
# ### The walk
#
# From one latent vector to another in eight steps, five times. The generator is a continuous function, so there are always pictures between two others: see whether
# the strokes change little by little or all at once, and whether what lies between reads as a digit.

# %% id="walk" tags=["raises-exception"]
torch.manual_seed(5)
ends = torch.randn(10, 100, 1, 1, device=device)
walks = torch.cat([interpolate(ends[row], ends[row + 1], 8) for row in range(0, 10, 2)])  # (40, 100, 1, 1)
pixels = draw(networks["average"], walks).view(5, 8, -1)  # (5, 8, 784)
longest = (pixels[:, 1:] - pixels[:, :-1]).norm(dim=2).amax(dim=1)  # (5,)
shares = (longest / (pixels[:, -1] - pixels[:, 0]).norm(dim=1)).tolist()
print("paso mayor de cada fila, respecto a la diferencia entre extremos:", *(f"{share:.0%}" for share in shares))  # es
print("largest step of each row, relative to the difference between ends:", *(f"{share:.0%}" for share in shares))  # en
names = [str(number) for number in range(1, 6)]
image_grid(draw(networks["average"], walks), title="Interpolación en el espacio latente", rows=names)  # es
image_grid(draw(networks["average"], walks), title="Interpolation in the latent space", rows=names)  # en

# %% [markdown] id="walk-result-text-es" tags=["lang-es"]
# El cambio es gradual: en cada fila, ninguno de los siete pasos supone ni la mitad de la diferencia de píxeles entre ambos extremos. Pero no todo se lee como un dígito,
# ni en medio ni en los extremos: en estas imágenes, el clasificador confía bastante menos que en las reales.

# %% [markdown] id="walk-result-text-en" tags=["lang-en"]
# The change is gradual: in each row, none of the seven steps makes up even half of the difference in pixels between both ends. But not everything reads as a digit,
# neither between the ends nor at them: the classifier is a good deal less confident of these pictures than of real ones.

# %% id="claim-walk" tags=["active-py", "claim"]
# es: El cambio es gradual: en cada fila, ninguno de los siete pasos supone ni la mitad de la diferencia de píxeles entre ambos extremos.
# en: The change is gradual: in each row, none of the seven steps makes up even half of the difference in pixels between both ends.
# es: … en estas imágenes, el clasificador confía bastante menos que en las reales.
# en: … the classifier is a good deal less confident of these pictures than of real ones.
walked = draw(networks["average"], walks).view(5, 8, -1)  # (5, 8, 784)
largest = (walked[:, 1:] - walked[:, :-1]).norm(dim=2).amax(dim=1)  # (5,)
assert (largest / (walked[:, -1] - walked[:, 0]).norm(dim=1)).max() < 0.5
sure = classifier(walked.view(40, 1, 28, 28)).softmax(dim=1).amax(dim=1).view(5, 8)
assert sure[:, 1:-1].mean() < real_quality.confidence[1] - 0.1 and sure[:, [0, -1]].mean() < real_quality.confidence[1] - 0.1

# %% [markdown] id="resume-text-es" tags=["lang-es"]
# ### Reanudar
#
# Redes nuevas, optimizadores nuevos y el archivo del final: si no falta nada, dibujan exactamente lo mismo.

# %% [markdown] id="resume-text-en" tags=["lang-en"]
# ### Resuming
#
# New networks, new optimisers and the file from the end: if nothing is missing, they draw exactly the same.

# %% id="resume" tags=["raises-exception"]
resumed, resumed_optimizers = start(Discriminator().to(device), Generator().to(device))
last_epoch = load_checkpoint("lab3_dcgan.pt", resumed, resumed_optimizers)
same = torch.equal(draw(resumed["average"], fixed_latent), draw(networks["average"], fixed_latent))
print(f"época {last_epoch + 1}; ¿las mismas imágenes? {same}")  # es
print(f"epoch {last_epoch + 1}; the same pictures? {same}")  # en

# %% id="claim-resumed" tags=["active-py", "claim"]
# es: … si no falta nada, dibujan exactamente lo mismo.
# en: … if nothing is missing, they draw exactly the same.
assert torch.equal(draw(resumed["average"], fixed_latent), draw(networks["average"], fixed_latent))
assert torch.equal(draw(resumed["generator"], fixed_latent), draw(networks["generator"], fixed_latent))
assert last_epoch == math.ceil(num_steps / len(batches)) - 1

# %% [markdown] id="go-on-text-es" tags=["lang-es"]
# Y siguen entrenando donde se quedaron. Para comparar, también sigue una copia de las redes que nunca se interrumpieron, con los mismos lotes y vectores latentes, porque ambas parten del
# mismo estado del generador de números aleatorios. En una CPU, las dos curvas coinciden, con los mismos picos; en una GPU, el redondeo puede separarlas poco a poco. Con otros números aleatorios, las
# curvas serían otras, aunque parecidas.

# %% [markdown] id="go-on-text-en" tags=["lang-en"]
# And they go on training from where they stopped. To compare, a copy of the networks that were never interrupted goes on too, with the same batches and latent vectors, because both start
# from the same state of the random number generator. On a CPU, the two curves coincide, with the same peaks; on a GPU, rounding may make them drift apart little by little. With other random numbers
# the curves would be others, though similar.

# %% id="go-on" tags=["raises-exception"]
more_steps = budget(cpu=28, cuda=280, grading=1, device=device)
# es: Al salir de fork_rng, los números aleatorios siguen donde estaban, en la CPU y en la GPU.
# en: After fork_rng, random numbers go on from where they were, on the CPU and on the GPU.
with torch.random.fork_rng(range(torch.cuda.device_count())):
    resumed_history = train(resumed, resumed_optimizers, batches, more_steps)
uninterrupted, its_optimizers = copy.deepcopy((networks, optimizers))
never_interrupted = train(uninterrupted, its_optimizers, batches, more_steps)
gap = max(abs(a - b) for a, b in zip(resumed_history.generator, never_interrupted.generator, strict=True))
print(f"mayor diferencia entre las pérdidas de ambos generadores: {gap:.1e}")  # es
print(f"largest difference between the losses of both generators: {gap:.1e}")  # en

# %% id="claim-other-numbers" tags=["active-py", "claim"]
# es: Con otros números aleatorios, las curvas serían otras, aunque parecidas.
# en: With other random numbers the curves would be others, though similar.
again, again_optimizers = start(Discriminator().to(device), Generator().to(device))
load_checkpoint("lab3_dcgan.pt", again, again_optimizers)
others = torch.tensor(train(again, again_optimizers, batches, 10).generator)
same_steps = torch.tensor(resumed_history.generator[:10])
assert (others - same_steps).abs().max() > 1e-3
assert abs(others.mean() - same_steps.mean()) < 0.6 * same_steps.mean()

# %% id="go-on-curves" tags=["raises-exception"]
before = max(0, num_steps - 100)
never = history.generator[before:] + never_interrupted.generator
after = [math.nan] * (num_steps - before) + resumed_history.generator
both = {"sin interrupción": never, "reanudada": after}  # es
curves(both, title="Pérdida de $G$", start=before, mark=(num_steps, "interrupción"), dots=["reanudada"])  # es
both = {"never interrupted": never, "resumed": after}  # en
curves(both, title="Loss of $G$", start=before, mark=(num_steps, "interruption"), dots=["resumed"])  # en

# %% id="claim-go-on" tags=["active-py", "claim"]
# es: En una CPU, las dos curvas coinciden, con los mismos picos; …
# en: On a CPU, the two curves coincide, with the same peaks; …
# es: Para comparar, también sigue una copia de las redes que nunca se interrumpieron, …, porque ambas parten del mismo estado …
# en: To compare, a copy of the networks that were never interrupted goes on too, …, because both start from the same state …
assert device.type == "cuda" or gap < 1e-4

# %% [markdown] id="light-text-es" tags=["lang-es"]
# ## 10. Reto: redes más ligeras (10 puntos)
#
# ¿Se puede dibujar igual de bien con menos parámetros? Diseña `LightGenerator` y `LightDiscriminator`, con las mismas entradas y salidas que `Generator` y `Discriminator`, y cada
# una con **a lo sumo la mitad** de sus parámetros: 759 680 y 138 624. Más de cuatro quintos de los del generador están en la primera capa, $100 \cdot 128 \cdot 7 \cdot 7$. Ideas: menos canales;
# una primera capa más pequeña y otra convolución transpuesta; núcleos de otro tamaño. (Uno de 5 × 5 tiene 25 pesos donde el de 4 × 4 tiene 16 y el de 3 × 3, 9; para que una
# convolución transpuesta de zancada 2 duplique el lado hacen falta relleno 2 o 1 y `output_padding=1`.) Las fórmulas de la sección 2 dicen si los tamaños encajan; `output_padding` se suma a la segunda.
#
# Esta celda la califica una persona, junto con la pregunta que sigue a la comparación.

# %% [markdown] id="light-text-en" tags=["lang-en"]
# ## 10. Challenge: lighter networks (10 marks)
#
# Can one draw as well with fewer parameters? Design `LightGenerator` and `LightDiscriminator`, with the same inputs and outputs as `Generator` and `Discriminator`, and each
# with **at most half** of their parameters: 759,680 and 138,624. More than four fifths of the generator's are in the first layer, $100 \cdot 128 \cdot 7 \cdot 7$. Ideas: fewer channels;
# a smaller first layer and one more transposed convolution; kernels of another size. (One of 5 × 5 has 25 weights where that of 4 × 4 has 16 and that of 3 × 3 has 9; for a
# transposed convolution of stride 2 to double the side with them takes padding 2 or 1 and `output_padding=1`.) The formulas of section 2 tell whether the sizes fit; `output_padding` is added to the second.
#
# This cell is marked by a person, together with the question after the comparison.

# %% id="claim-parameters" tags=["active-py", "claim"]
# es: … cada una con **a lo sumo la mitad** de sus parámetros: 759 680 y 138 624.
# en: … each with **at most half** of their parameters: 759,680 and 138,624.
# es: Más de cuatro quintos de los del generador están en la primera capa, $100 \cdot 128 \cdot 7 \cdot 7$.
# en: More than four fifths of the generator's are in the first layer, $100 \cdot 128 \cdot 7 \cdot 7$.
# es: … para que una convolución transpuesta de zancada 2 duplique el lado hacen falta relleno 2 o 1 y `output_padding=1`.)
# en: … for a transposed convolution of stride 2 to double the side with them takes padding 2 or 1 and `output_padding=1`.)
assert sum(p.numel() for p in Generator().parameters()) == 759_680
assert sum(p.numel() for p in Discriminator().parameters()) == 138_624
assert 0.8 < 100 * 128 * 7 * 7 / 759_680 < 1
assert nn.ConvTranspose2d(1, 1, 5, 2, 2, output_padding=1)(torch.zeros(1, 1, 7, 7)).shape[-1] == 14
assert nn.ConvTranspose2d(1, 1, 3, 2, 1, output_padding=1)(torch.zeros(1, 1, 7, 7)).shape[-1] == 14

# %% id="light_generator" nbgrader={"grade": true, "grade_id": "light_generator", "locked": false, "points": 10, "schema_version": 3, "solution": true, "task": false}
class LightGenerator(nn.Module):
    """es: Como Generator, con a lo sumo la mitad de los parámetros."""
    """en: Like Generator, with at most half of the parameters."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.ConvTranspose2d(100, 64, kernel_size=7, stride=1, padding=0, bias=False),  # (n, 64, 7, 7)
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 32, 14, 14)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 1, 28, 28)
            nn.Tanh(),
        )
        ### END SOLUTION

    def forward(self, z):
        ### BEGIN SOLUTION
        return self.model(z)
        ### END SOLUTION


class LightDiscriminator(nn.Module):
    """es: Como Discriminator, con a lo sumo la mitad de los parámetros."""
    """en: Like Discriminator, with at most half of the parameters."""

    def __init__(self):
        super().__init__()
        ### BEGIN SOLUTION
        self.model = nn.Sequential(
            nn.Conv2d(1, 32, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 32, 14, 14)
            nn.LeakyReLU(0.2),
            nn.Conv2d(32, 64, kernel_size=4, stride=2, padding=1, bias=False),  # (n, 64, 7, 7)
            nn.BatchNorm2d(64),
            nn.LeakyReLU(0.2),
            nn.Conv2d(64, 1, kernel_size=7, stride=1, padding=0, bias=False),  # (n, 1, 1, 1)
            nn.Sigmoid(),
        )
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return self.model(x).view(len(x), 1)
        ### END SOLUTION

# %% id="light-size" tags=["raises-exception"]
for light, full in ((LightGenerator(), Generator()), (LightDiscriminator(), Discriminator())):
    print(f"{type(light).__name__}: {count(light)} ({count(light) / count(full):.0%})")

# %% [markdown] id="light-run-text-es" tags=["lang-es"]
# Lo que no se estudia queda igual: pasos, tasas y vara. La semilla solo hace repetible cada entrenamiento: con otras redes, la misma no da ni los mismos lotes ni los mismos vectores latentes.

# %% [markdown] id="light-run-text-en" tags=["lang-en"]
# What is not studied stays equal: steps, rates and yardstick. The seed only makes each training repeatable: with other networks, the same one gives neither the same batches nor the same latent vectors.

# %% id="light-run" tags=["raises-exception"]
torch.manual_seed(111)
light_networks, light_optimizers = start(LightDiscriminator().to(device), LightGenerator().to(device))
light_history = train(light_networks, light_optimizers, batches, num_steps)
light_quality = measure(light_networks["average"])

# %% id="claim-seed" tags=["active-py", "claim"]
# es: La semilla solo hace repetible cada entrenamiento: con otras redes, la misma no da ni los mismos lotes ni los mismos vectores latentes.
# en: The seed only makes each training repeatable: with other networks, the same one gives neither the same batches nor the same latent vectors.
drawn = []
for roles in ((Discriminator, Generator), (LightDiscriminator, LightGenerator), (LightDiscriminator, LightGenerator)):
    torch.manual_seed(111)
    start(*(role().to(device) for role in roles))
    drawn.append(torch.randn(5))
assert not torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[1], drawn[2])

# %% id="light-compare" tags=["raises-exception"]
pairs = zip(light_quality.measurements, quality.measurements, strict=True)
differences = [light.distance - full.distance for light, full in pairs]
print("distancia, ligera − DCGAN:", *(f"{difference:+.2f}" for difference in differences))  # es
print("distance, light − DCGAN:", *(f"{difference:+.2f}" for difference in differences))  # en
rows = [table_row(networks, history, quality), table_row(light_networks, light_history, light_quality)]
table(headings, rows, names=["DCGAN", "ligera"])  # es
table(headings, rows, names=["DCGAN", "light"])  # en

# %% id="light-intervals" tags=["raises-exception"]
distances["ligera"] = light_quality.distance  # es
intervals(distances, title="La misma vara: menos es mejor", xlabel="distancia (escala logarítmica)", log=True)  # es
distances["light"] = light_quality.distance  # en
intervals(distances, title="The same yardstick: less is better", xlabel="distance (logarithmic scale)", log=True)  # en

# %% id="light-plot" tags=["raises-exception"]
beside = torch.cat([draw(pair["average"], new_latent[:24]) for pair in (networks, light_networks)])  # (48, 1, 28, 28)
image_grid(beside, title="DCGAN y ligera, sin elegir", columns=12, rows=["DCGAN"] * 2 + ["ligera"] * 2)  # es
image_grid(beside, title="DCGAN and light, none picked", columns=12, rows=["DCGAN"] * 2 + ["light"] * 2)  # en

# %% [markdown] id="light-result-text-es" tags=["lang-es"]
# Las redes de nuestra solución tienen el 43 % de los parámetros, y en una CPU cada paso cuesta menos. Con los mismos pasos, su distancia sigue siendo menor que la de las redes densas.
#
# Cada una de las cuatro medidas usa con ambas redes los mismos vectores latentes y las mismas imágenes reales. Por eso no importa si los intervalos se solapan: mira las cuatro diferencias. Si no tienen
# todas el mismo signo, la vara no distingue estas dos redes. Si lo tienen, es un indicio, no una prueba: entre redes iguales, cuatro signos coinciden por azar una vez de cada ocho. Además, la diferencia puede deberse a la semilla, porque cada red se entrenó con una sola.

# %% [markdown] id="light-result-text-en" tags=["lang-en"]
# The networks of our solution have 43 % of the parameters, and on a CPU each step costs less. With equal steps, their distance is still smaller than that of the dense networks.
#
# Each of the four measurements uses the same latent vectors and the same real pictures with both networks. So it does not matter whether the intervals overlap: look at the four differences. If they are not
# all of one sign, the yardstick does not tell these two networks apart. If they are, that is a hint, not a proof: between equal networks, four signs agree by chance one time in eight. Besides, the difference may be due to the seed, as each network was trained with one only.

# %% id="claim-light" tags=["active-py", "claim"]
# es: Las redes de nuestra solución tienen el 43 % de los parámetros, y en una CPU cada paso cuesta menos.
# en: The networks of our solution have 43 % of the parameters, and on a CPU each step costs less.
# es: Con los mismos pasos, su distancia sigue siendo menor que la de las redes densas.
# en: With equal steps, their distance is still smaller than that of the dense networks.
totals = [count(pair["generator"]) + count(pair["discriminator"]) for pair in (networks, light_networks)]
assert round(100 * totals[1] / totals[0]) == 43
assert median(light_history.seconds) < 0.85 * median(history.seconds)
assert light_quality.distance[2] < dense_quality.distance[1]

# %% [markdown] id="questions-text-es" tags=["lang-es"]
# ## 11. Preguntas abiertas (20 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (7 puntos).** ¿Qué cambiaste para aligerar ambas redes, cuántos parámetros y cuánto tiempo ahorraste, y qué costó? Argumenta con las métricas y su dispersión. Con una
# sola semilla, ¿qué puedes afirmar y qué no?

# %% [markdown] id="questions-text-en" tags=["lang-en"]
# ## 11. Open questions (20 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (7 marks).** What did you change to make both networks lighter, how many parameters and how much time did you save, and what did it cost? Argue with the metrics and
# their spread. With a single seed, what can you claim and what not?

# %% [markdown] id="question_light" nbgrader={"grade": true, "grade_id": "question_light", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Reduje a la mitad los canales de las capas ocultas de ambas redes: quedan 383 616 parámetros de 898 304, el 43 %, y en una CPU cada paso cuesta bastante menos. Las cuatro diferencias de distancia con la DCGAN, medidas con los mismos vectores latentes e imágenes reales, son pequeñas frente a lo que separa a ambas de las redes densas. Con algunas semillas no tienen todas el mismo signo, y la vara no distingue las dos redes; con otras lo tienen, y la ligera queda algo más lejos. La confianza de la ligera es, con algunas semillas, algo menor. Las dos quedan mucho más cerca de los dígitos reales que las redes densas. Las medidas solo recogen los vectores latentes y las imágenes reales; de otra semilla no dicen nada. Puedo hablar de estas dos redes, no de los dos diseños; para eso habría que entrenar cada uno con varias semillas.
# en: I halved the channels of the hidden layers of both networks: 383,616 parameters of 898,304 remain, 43 %, and on a CPU each step costs a good deal less. The four differences in distance from the DCGAN, measured with the same latent vectors and real pictures, are small beside what separates both from the dense networks. With some seeds they are not all of one sign, and the yardstick does not tell the two networks apart; with others they are, and the light one ends somewhat further away. The confidence of the light one is, with some seeds, somewhat smaller. Both are much closer to real digits than the dense networks. The measurements only reflect the latent vectors and the real pictures; they say nothing of another seed. I can speak of these two networks, not of the two designs; for that each would have to be trained with several seeds.
# ### END SOLUTION

# %% id="claim-light-answer" tags=["active-py", "claim"]
# es: Reduje a la mitad los canales de las capas ocultas de ambas redes: quedan 383 616 parámetros de 898 304, el 43 %, y en una CPU cada paso cuesta bastante menos.
# en: I halved the channels of the hidden layers of both networks: 383,616 parameters of 898,304 remain, 43 %, and on a CPU each step costs a good deal less.
# es: Las dos quedan mucho más cerca de los dígitos reales que las redes densas.
# en: Both are much closer to real digits than the dense networks.
# es: Las cuatro diferencias de distancia … son pequeñas frente a lo que separa a ambas de las redes densas.
# en: The four differences in distance … are small beside what separates both from the dense networks.
totals = [count(pair["generator"]) + count(pair["discriminator"]) for pair in (networks, light_networks)]
assert totals == [898_304, 383_616]
assert median(light_history.seconds) < 0.85 * median(history.seconds)
farther = max(light_quality.distance[2], quality.distance[2])
assert 2 * farther < dense_quality.distance[1]
assert max(map(abs, differences)) < 0.5 * (dense_quality.distance[1] - farther)

# %% id="claim-light-seed" tags=["active-py", "claim", "seed-dependent"]
# es: Con algunas semillas no tienen todas el mismo signo, y la vara no distingue las dos redes; con otras lo tienen, y la ligera queda algo más lejos.
# en: With some seeds they are not all of one sign, and the yardstick does not tell the two networks apart; with others they are, and the light one ends somewhat further away.
# es: La confianza de la ligera es, con algunas semillas, algo menor.
# en: The confidence of the light one is, with some seeds, somewhat smaller.
assert min(differences) < 0 < max(differences) or min(differences) > 0
assert light_quality.confidence[0] < quality.confidence[0]

# %% [markdown] id="question-curves-text-es" tags=["lang-es"]
# **Pregunta 2 (7 puntos).** ¿Qué harían las tres partes de la pérdida, $D(x)$ y $D(G(z))$ en el equilibrio, y qué observas? ¿Por qué la pérdida del generador puede subir
# mientras sus imágenes mejoran?

# %% [markdown] id="question-curves-text-en" tags=["lang-en"]
# **Question 2 (7 marks).** What would the three parts of the loss, $D(x)$ and $D(G(z))$ do at equilibrium, and what do you observe? Why can the generator's loss rise while
# its pictures improve?

# %% [markdown] id="question_curves" nbgrader={"grade": true, "grade_id": "question_curves", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: En el equilibrio ambas medias serían 1/2, porque el discriminador no podría distinguir nada, y las tres partes de la pérdida, ln 2. Se observa que, en las medias móviles, D(x) queda por encima de D(G(z)) hasta el final: el discriminador va por delante, con las dos partes de su pérdida, de media, por debajo de ln 2 y la del generador por encima. La pérdida del generador mide contra un rival que también aprende: si el discriminador mejora más rápido, la pérdida puede subir aunque las imágenes sean mejores que antes. Aquí, en la segunda mitad, las curvas apenas cambian y la distancia baja.
# en: At the equilibrium both means would be 1/2, because the discriminator could tell nothing apart, and the three parts of the loss would be ln 2. What is seen is that, in the moving averages, D(x) stays above D(G(z)) until the end: the discriminator is ahead, with both parts of its loss, on average, below ln 2 and that of the generator above. The generator's loss measures against an opponent that learns too: if the discriminator improves faster, the loss may rise although the pictures are better than before. Here, in the second half, the curves hardly change and the distance falls.
# ### END SOLUTION

# %% id="claim-curves-answer" tags=["active-py", "claim"]
# es: Se observa que, en las medias móviles, D(x) queda por encima de D(G(z)) hasta el final: el discriminador va por delante, con las dos partes de su pérdida, de media, por debajo de ln 2 y la del generador por encima.
# en: What is seen is that, in the moving averages, D(x) stays above D(G(z)) until the end: the discriminator is ahead, with both parts of its loss, on average, below ln 2 and that of the generator above.
# es: Aquí, en la segunda mitad, las curvas apenas cambian y la distancia baja.
# en: Here, in the second half, the curves hardly change and the distance falls.
parts = torch.tensor([history.real, history.fake, history.generator])  # (3, num_steps)
third, last = parts[:, num_steps // 2 : 3 * num_steps // 4].mean(dim=1), parts[:, 3 * num_steps // 4 :].mean(dim=1)
assert max(last[0], last[1]) < math.log(2) < last[2]
assert sum(history.d_x[-200:]) > sum(history.d_g_z[-200:])
assert (last - third).abs().max() < 0.4
assert quality.distance[2] < middle_quality.distance[1]

# %% [markdown] id="question-convolutions-text-es" tags=["lang-es"]
# **Pregunta 3 (6 puntos).** Compara estas imágenes con las de las redes densas entrenadas aquí, las reparadas del laboratorio 2: ¿en qué son mejores, por qué, y qué dicen las métricas? Nombra una cosa que las
# convoluciones saben y las capas densas no.

# %% [markdown] id="question-convolutions-text-en" tags=["lang-en"]
# **Question 3 (6 marks).** Compare these pictures with those of the dense networks trained here, the repaired ones of lab 2: in what respects are they better, why, and what do the metrics say? Name one thing that convolutions
# know and dense layers do not.

# %% [markdown] id="question_convolutions" nbgrader={"grade": true, "grade_id": "question_convolutions", "locked": false, "points": 6, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Con los mismos pasos el fondo queda más limpio y la distancia es varias veces menor que la de la red densa, una diferencia mucho mayor que la dispersión de las medidas. Una convolución sabe qué píxeles son vecinos y usa los mismos pesos en toda la imagen, así que aprende una vez cómo es un borde y lo dibuja en cualquier lugar. (Eso vale para las dos últimas capas del generador y las dos primeras del discriminador; las otras dos equivalen a capas densas.) No todo es mejor: en una CPU cada paso cuesta más, y la confianza apenas se distingue de la de las redes densas y queda lejos de la de los dígitos reales.
# en: With equal steps the background is cleaner and the distance is several times smaller than that of the dense network, a difference much larger than the spread of the measurements. A convolution knows what pixels are neighbours and uses the same weights all over the picture, so it learns once what an edge is like and draws it anywhere. (That holds for the last two layers of the generator and the first two of the discriminator; the other two amount to dense layers.) Not everything is better: on a CPU each step costs more, and the confidence hardly differs from that of the dense networks and stays far from that of real digits.
# ### END SOLUTION

# %% id="claim-convolutions-answer" tags=["active-py", "claim"]
# es: Con los mismos pasos el fondo queda más limpio y la distancia es varias veces menor que la de la red densa, una diferencia mucho mayor que la dispersión de las medidas.
# en: With equal steps the background is cleaner and the distance is several times smaller than that of the dense network, a difference much larger than the spread of the measurements.
# es: No todo es mejor: en una CPU cada paso cuesta más, y la confianza apenas se distingue de la de las redes densas y queda lejos de la de los dígitos reales.
# en: Not everything is better: on a CPU each step costs more, and the confidence hardly differs from that of the dense networks and stays far from that of real digits.
borders = [draw(each["average"], measuring_latent[0])[..., :3, :].add(1).mean() for each in (networks, dense_networks)]
assert borders[0] < borders[1]
assert 2 * quality.distance[0] < dense_quality.distance[0]
assert median(history.seconds) > median(dense_history.seconds)
assert abs(dense_quality.confidence[0] - quality.confidence[0]) < 0.12
assert real_quality.confidence[0] - 0.2 > quality.confidence[0]

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Tamaños: $\lfloor (n + 2p - k)/s \rfloor + 1$ y $(n-1)s - 2p + k$.
# - DCGAN: zancadas en vez de agrupación, normalización salvo en la salida de $G$ y la entrada de $D$, ReLU en $G$, LeakyReLU en $D$, pesos de desviación 0.02.
# - Con normalización por lotes, lo real y lo generado pasan por separado.
# - Un punto de control lleva redes, optimizadores y época.
# - Las pérdidas dicen quién va por delante; la calidad se mide aparte, varias veces y con los mismos vectores latentes.
# - Lo que cuesta aligerar una red también se mide, y con más de una semilla.
#
# **Para seguir explorando (sin puntos).** ¿Qué pasa sin `initialise_weights`? ¿Y con el triple de pasos, en todas las redes? ¿Dura la ventaja de la DCGAN si las densas reciben el mismo tiempo de procesador? ¿Y con 0.0002 como tasa de ambas, como en el
# artículo? Heusel et al. (2017) también usan dos tasas, pero en su teoría la rápida es la de $D$,
# aunque en sus experimentos con DCGAN la mayor fue la de $G$: prueba a intercambiarlas. Interpola sobre la esfera en vez de en
# línea recta: los vectores normales de 100 dimensiones tienen casi todos la misma longitud.

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Sizes: $\lfloor (n + 2p - k)/s \rfloor + 1$ and $(n-1)s - 2p + k$.
# - DCGAN: strides in place of pooling, normalisation except at the output of $G$ and the input of $D$, ReLU in $G$, LeakyReLU in $D$, weights of standard deviation 0.02.
# - With batch normalisation, real and generated pictures pass separately.
# - A checkpoint holds networks, optimisers and epoch.
# - Losses tell who is ahead; quality is measured separately, several times and with the same latent vectors.
# - What it costs to make a network lighter is measured too, and with more than one seed.
#
# **To explore further (no marks).** What happens without `initialise_weights`? And with three times the steps, in all networks? Does the lead of the DCGAN last if the dense ones get equal processor time? And with 0.0002 as the rate of both, as in the
# paper? Heusel et al. (2017) use two rates too, but in their theory the fast one is that of $D$,
# although in their experiments with DCGAN the larger one was that of $G$: try swapping them. Interpolate on the sphere instead of a
# straight line: normal vectors of 100 dimensions nearly all have the same length.

# %% [markdown] id="references-es" tags=["lang-es"]
# ## Referencias
#
# Este laboratorio parte del código de una tesis de grado sobre redes generativas.
#
# - Alpaydin, E., Kaynak, C. (1998). *Cascading Classifiers*. Kybernetika 34, 369–374.
# - LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). *Gradient-Based Learning Applied to Document Recognition*. Proceedings of the IEEE 86, 2278–2324.
# - Goodfellow, I. et al. (2014). *Generative Adversarial Networks*. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Ioffe, S., Szegedy, C. (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*. [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Heusel, M. et al. (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*. [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).

# %% [markdown] id="references-en" tags=["lang-en"]
# ## References
#
# This lab starts from the code of a bachelor's thesis on generative networks.
#
# - Alpaydin, E., Kaynak, C. (1998). *Cascading Classifiers*. Kybernetika 34, 369–374.
# - LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). *Gradient-Based Learning Applied to Document Recognition*. Proceedings of the IEEE 86, 2278–2324.
# - Goodfellow, I. et al. (2014). *Generative Adversarial Networks*. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Ioffe, S., Szegedy, C. (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*. [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Heusel, M. et al. (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*. [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).

# %% id="summary"
lab.summary()
