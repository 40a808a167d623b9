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
# # Laboratorio 5: ProGAN, una red que crece
#
# Dibujar una cara grande de una vez es difícil: hay que acertar a la vez con la composición y con cada detalle. Una **ProGAN** (Karras et al., 2018)
# comienza con imágenes de 4 × 4 píxeles, en las que caben poco más que los colores, y añade capas durante el entrenamiento: 8 × 8, 16 × 16… hasta 1024 × 1024.
# Cada capa nueva entra poco a poco, sin romper lo que las anteriores ya saben. Cuando el texto habla del original, es el código de la tesis de grado sobre redes generativas de la que parte este laboratorio.
#
# Al terminar sabrás igualar la tasa de aprendizaje (*learning rate*) de todas las capas, normalizar sin mirar el lote (*batch*), delatar la falta de variedad, hacer crecer dos
# redes a la vez, promediar un generador y reanudar un entrenamiento por etapas.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda plegada que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se observó y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas, 30.
# Tus funciones no deben modificar lo que reciben (modos, parámetros, semillas), salvo lo que se pida, y deben servir en CPU y en GPU.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 5: ProGAN, a network that grows
#
# Drawing a large face all at once is hard: the composition and every detail have to be right at the same time. A **ProGAN** (Karras et al., 2018) begins with
# pictures of 4 × 4 pixels, which hold little more than colours, and adds layers during training: 8 × 8, 16 × 16… up to 1024 × 1024. Each new layer enters little by
# little, without breaking what the earlier ones know already. Where the text speaks of the original, that is the code of the bachelor's thesis on generative networks from which this lab began.
#
# By the end you will be able to equalise the learning rate (*tasa de aprendizaje*) of all layers, to normalise without looking at the batch (*lote*), to expose a lack of variety, to
# grow two networks together, to average a generator, and to resume a training stage by stage.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the folded cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions, 30.
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
import functools
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.utils import save_image

from autograder import open_lab
from course import diagrams
from course.budget import budget
from course.data import load_faces
from course.device import describe_device, get_device
from course.metrics import nearest_neighbours, sliced_wasserstein
from course.plots import ImageGifRecorder, image_grid, intervals, stacked_curves, table
from course.training import History, progress

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab5_progan", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab5_progan", language="en", device=device)
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
# Retratos dibujados al azar, de 64 × 64 píxeles y en color: `(n, 3, 64, 64)` entre $-1$ y $1$. Cambian la piel, el pelo, las gafas, la ropa y el fondo. No hacen falta
# descargas; con `load_faces("carpeta")` se usan las imágenes de cualquier carpeta. Una cuarta parte se guarda aparte: ninguna red la verá, y servirá para
# comparar al final.
#
# Una ProGAN ve primero versiones pequeñas. `resize` promedia cuadrados de píxeles: de 64 a 4, cada píxel resume 16 × 16.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The data
#
# Portraits drawn at random, 64 × 64 pixels in colour: `(n, 3, 64, 64)` between $-1$ and $1$. Skin, hair, glasses, clothes and background vary. No download is
# needed; `load_faces("folder")` takes the pictures of any folder. One quarter is held out: no network will see it, and it will serve for a
# comparison in the end.
#
# A ProGAN sees small versions first. `resize` averages squares of pixels: from 64 to 4, each pixel sums up 16 × 16.

# %% id="data"
faces = load_faces(count=budget(cpu=800, cuda=2000, grading=40, device=device))
num_held_out = len(faces) // 4
held_out_images = faces.images[:num_held_out]  # (n / 4, 3, 64, 64)
real_images = faces.images[num_held_out:]  # (3 n / 4, 3, 64, 64)


def resize(images, size):
    """es: Reduce imágenes cuadradas a otro lado: (n, 3, 64, 64) -> (n, 3, size, size)."""
    """en: Reduce square pictures to another side: (n, 3, 64, 64) -> (n, 3, size, size)."""
    return F.avg_pool2d(images, images.shape[-1] // size)


def enlarge(images, size=64):
    """es: Agranda imágenes repitiendo píxeles, para mostrarlas."""
    """en: Enlarge pictures by repeating pixels, to show them."""
    return F.interpolate(images, size=(size, size))


sizes = (64, 32, 16, 8, 4)
versions = torch.cat([enlarge(resize(real_images[:8], size)) for size in sizes])  # (40, 3, 64, 64)
names = [f"{size} px" for size in sizes]
image_grid(versions, title="Las mismas caras, cada vez más pequeñas", rows=names)  # es
image_grid(versions, title="The same faces, smaller and smaller", rows=names)  # en

# %% id="claim-data" tags=["active-py", "claim"]
# es: Retratos dibujados al azar, de 64 × 64 píxeles y en color: `(n, 3, 64, 64)` entre $-1$ y $1$.
# en: Portraits drawn at random, 64 × 64 pixels in colour: `(n, 3, 64, 64)` between $-1$ and $1$.
# es: Cambian la piel, el pelo, las gafas, la ropa y el fondo.
# en: Skin, hair, glasses, clothes and background vary.
# of: title
# es: Una **ProGAN** (Karras et al., 2018) comienza con imágenes de 4 × 4 píxeles, en las que caben poco más que los colores, …
# en: A **ProGAN** (Karras et al., 2018) begins with pictures of 4 × 4 pixels, which hold little more than colours, …
assert real_images.shape[1:] == (3, 64, 64)
assert -1 <= real_images.min() < real_images.max() <= 1
assert real_images[:, :, 2, 2].std(dim=0).min() > 0.05 and real_images[:, :, 36, 32].std(dim=0).min() > 0.05
assert resize(real_images, 4).shape[-1] == 4

# %% [markdown] id="ws-conv-text-es" tags=["lang-es"]
# ## 2. El mismo paso relativo para todas las capas (8 puntos)
#
# Adam divide cada gradiente por su tamaño habitual, así que mueve todos los pesos más o menos lo mismo, sea cual sea su escala. Si una capa tiene pesos grandes y otra
# pequeños, un mismo paso es poco para la primera y demasiado para la segunda. La ProGAN inicializa **todos** los pesos con desviación 1 y los escala **cada vez que se usan**:
# $$y = (c\,W) * x + b, \qquad c = \sqrt{\frac{g}{n_\text{in}\,k^2}}.$$
# $n_\text{in}\,k^2$ es el número de entradas que suma cada salida (en la primera capa del generador, que parte de un solo píxel, son $n_\text{in}$; ahí la fórmula
# da la escala del código de los autores). La ganancia $g$ es 2 si después viene una LeakyReLU, que deja más o menos la mitad de la media de los cuadrados, y 1 si no viene nada.
# Con $g = 2$, $c$ es la desviación con la que He et al. (2015) inicializan los pesos; aquí se aplica cada vez que se usan. En el dibujo, con $g = 2$ y entradas de desviación 1, la salida queda cerca de la desviación esperada, $\sqrt{2} \approx 1.41$, tenga la capa pocas entradas o muchas.
#
# Escribe `WSConv2d` (*weight-scaled*): pesos normales de media 0 y desviación 1, sesgo (*bias*) 0, y el sesgo **sin** escalar. Pista: escalar la entrada o
# los pesos da lo mismo; `F.conv2d(x, pesos, sesgo, zancada, relleno)` recibe los pesos como argumento.

# %% [markdown] id="ws-conv-text-en" tags=["lang-en"]
# ## 2. The same relative step for all layers (8 marks)
#
# Adam divides each gradient by its usual size, so it moves all weights by about the same amount, whatever their scale. If one layer has large weights and another small
# ones, the same step is little for the first and too much for the second. ProGAN initialises **all** weights with standard deviation 1 and scales them **whenever they are used**:
# $$y = (c\,W) * x + b, \qquad c = \sqrt{\frac{g}{n_\text{in}\,k^2}}.$$
# $n_\text{in}\,k^2$ is the number of inputs that each output sums (in the generator's first layer, which begins with a single pixel, they are $n_\text{in}$; there
# the formula gives the scale of the authors' code). The gain $g$ is 2 if a LeakyReLU follows, which leaves about half of the mean square, and 1 if nothing follows.
# With $g = 2$, $c$ is the standard deviation with which He et al. (2015) initialise the weights; here it is applied whenever they are used. In the drawing, with $g = 2$ and inputs of standard deviation 1, the output comes close to the standard deviation expected, $\sqrt{2} \approx 1.41$, whether the layer has few inputs or many.
#
# Write `WSConv2d` (weight-scaled): normal weights of mean 0 and standard deviation 1, bias (*sesgo*) 0, and the bias **not** scaled. Hint: scaling the input or
# the weights gives the same; `F.conv2d(x, weights, bias, stride, padding)` takes the weights as an argument.

# %% id="ws-conv-diagram"
diagrams.equalised_convolution()

# %% id="ws_conv" nbgrader={"grade": false, "grade_id": "ws_conv", "locked": false, "schema_version": 3, "solution": true, "task": false}
class WSConv2d(nn.Module):
    """es: Convolución cuyos pesos se escalan al usarlos."""
    """en: Convolution whose weights are scaled when they are used."""

    def __init__(self, in_channels, out_channels, kernel_size=3, stride=1, padding=1, gain=2):
        super().__init__()
        ### BEGIN SOLUTION
        self.stride, self.padding = stride, padding
        self.scale = math.sqrt(gain / (in_channels * kernel_size**2))
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        return F.conv2d(x, self.scale * self.weight, self.bias, self.stride, self.padding)
        ### END SOLUTION

# %% id="ws_conv_check" nbgrader={"grade": true, "grade_id": "ws_conv_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("ws_conv", points=8) as checks:
    checks.equalised_convolution("ws_conv.output", WSConv2d, aspect="output", points=5)
    checks.equalised_convolution("ws_conv.initialisation", WSConv2d, aspect="initialisation", points=3)
checks.score

# %% id="claim-adam" tags=["active-py", "claim"]
# of: ws-conv-text
# es: Adam divide cada gradiente por su tamaño habitual, así que mueve todos los pesos más o menos lo mismo, sea cual sea su escala.
# en: Adam divides each gradient by its usual size, so it moves all weights by about the same amount, whatever their scale.
# es: Si una capa tiene pesos grandes y otra pequeños, un mismo paso es poco para la primera y demasiado para la segunda.
# en: If one layer has large weights and another small ones, the same step is little for the first and too much for the second.
# es: La ganancia $g$ es 2 si después viene una LeakyReLU, que deja más o menos la mitad de la media de los cuadrados, y 1 si no viene nada.
# en: The gain $g$ is 2 if a LeakyReLU follows, which leaves about half of the mean square, and 1 if nothing follows.
large, small = torch.full((100,), 10.0, requires_grad=True), torch.full((100,), 0.01, requires_grad=True)
adam = torch.optim.Adam([large, small], lr=0.001, betas=(0.0, 0.99))
((large * torch.randn(100)).sum() + 1000 * (small * torch.randn(100)).sum()).backward()
adam.step()
assert (large.detach() - 10).abs().allclose(torch.tensor(0.001), rtol=0.05)
assert (small.detach() - 0.01).abs().allclose(torch.tensor(0.001), rtol=0.05)
normal = torch.randn(100_000)
assert 0.5 < F.leaky_relu(normal, 0.2).square().mean() / normal.square().mean() < 0.54

# %% id="claim-root-of-gain" tags=["active-py", "claim"]
# of: ws-conv-text
# es: En el dibujo, con $g = 2$ y entradas de desviación 1, la salida queda cerca de la desviación esperada, $\sqrt{2} \approx 1.41$, tenga la capa pocas entradas o muchas.
# en: In the drawing, with $g = 2$ and inputs of standard deviation 1, the output comes close to the standard deviation expected, $\sqrt{2} \approx 1.41$, whether the layer has few inputs or many.
for few_or_many in (3, 16):
    root_of_gain = WSConv2d(few_or_many, 256, padding=0)(torch.randn(20, few_or_many, 12, 12)).std().item()
    assert abs(root_of_gain - math.sqrt(2)) < 0.1

# %% [markdown] id="pixel-norm-text-es" tags=["lang-es"]
# ## 3. Normalizar sin mirar el lote (4 puntos)
#
# Si generador y crítico compiten, las señales del generador pueden crecer sin freno. `PixelNorm` fija la magnitud de cada píxel (RMS 1): divide su vector de canales $a$ por la raíz de la
# media de sus cuadrados,
# $$b = \frac{a}{\sqrt{\frac{1}{C}\sum_{j=1}^{C} a_j^2 + \epsilon}}, \qquad \epsilon = 10^{-8}.$$
# No tiene parámetros ni estadísticas, y ninguna imagen depende de las otras del lote. El $\epsilon$ va **dentro** de la raíz: sin él, un píxel de ceros daría NaN;
# fuera, la salida estaría bien, pero la raíz tiene en 0 derivada infinita y el NaN aparecería en el gradiente.

# %% [markdown] id="pixel-norm-text-en" tags=["lang-en"]
# ## 3. Normalising without looking at the batch (4 marks)
#
# When generator and critic compete, the signals of the generator may grow without limit. `PixelNorm` fixes the magnitude of each pixel (RMS 1): it divides its vector of channels $a$
# by its root mean square,
# $$b = \frac{a}{\sqrt{\frac{1}{C}\sum_{j=1}^{C} a_j^2 + \epsilon}}, \qquad \epsilon = 10^{-8}.$$
# It has no parameters and no statistics, and no picture depends on the others of the batch. The $\epsilon$ stands **inside** the root: without it, a pixel of zeros would give
# NaN; outside, the output would be fine, but the root has an infinite derivative at 0, and the NaN would appear in the gradient.

# %% id="pixel_norm" nbgrader={"grade": false, "grade_id": "pixel_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
class PixelNorm(nn.Module):
    """es: Vectores de canales de media cuadrática 1, píxel por píxel: (n, c, h, w) -> (n, c, h, w)."""
    """en: Vectors of channels with a root mean square of 1, pixel by pixel: (n, c, h, w) -> (n, c, h, w)."""

    def forward(self, x):
        ### BEGIN SOLUTION
        return x / torch.sqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)
        ### END SOLUTION

# %% id="pixel_norm_check" nbgrader={"grade": true, "grade_id": "pixel_norm_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("pixel_norm", points=4) as checks:
    small_shape = ("n", "channels", 4, 5)
    cases = lab.supplied_samples(small_shape)
    checks.fingerprint(
        "pixel_norm.values",
        lambda x: PixelNorm()(100 * x),
        cases,
        shape=small_shape,
        differentiable=True,
        points=2,
    )
    checks.fingerprint(
        "pixel_norm.epsilon", lambda x: PixelNorm()(1e-4 * x), cases, shape=small_shape, points=2
    )
checks.score

# %% id="claim-epsilon" tags=["active-py", "claim"]
# es: El $\epsilon$ va **dentro** de la raíz: sin él, un píxel de ceros daría NaN; …
# en: The $\epsilon$ stands **inside** the root: without it, a pixel of zeros would give NaN; …
zeros = torch.zeros(1, 5, 1, 1, requires_grad=True)
mean_square = (zeros**2).mean(dim=1, keepdim=True)
assert (zeros / mean_square.sqrt()).isnan().all()
outside = zeros / (mean_square.sqrt() + 1e-8)
outside.sum().backward()
assert (outside == 0).all() and zeros.grad.isnan().all()
inside = torch.zeros(1, 5, 1, 1, requires_grad=True)
PixelNorm()(inside).sum().backward()
assert inside.grad.isfinite().all()

# %% [markdown] id="minibatch-std-text-es" tags=["lang-es"]
# ## 4. Delatar la falta de variedad (6 puntos)
#
# Un generador que dibuja siempre la misma cara, si es creíble, puede engañar a un crítico que mira las imágenes de una en una. Por eso el crítico recibe un **canal más**, que le dice cuánto varía el lote:
#
# 1. la desviación estándar de cada número a lo largo del lote, $\sqrt{\text{varianza} + 10^{-8}}$, con la varianza que divide entre $n$ (`unbiased=False`);
# 2. la media de todas ellas: **un** número;
# 3. ese número repetido en un canal constante, que se añade al final: `(n, c, h, w)` → `(n, c + 1, h, w)`.
#
# El original usaba `torch.std(x, dim=0)`, que divide entre $n - 1$: con una sola imagen da NaN. El código de los autores forma grupos de 4 imágenes; aquí
# todo el lote es un grupo. El número lleva gradiente: por él aprende el generador a variar, así que nada de `.item()`.

# %% [markdown] id="minibatch-std-text-en" tags=["lang-en"]
# ## 4. Exposing a lack of variety (6 marks)
#
# A generator that always draws the same face, if it is a credible one, can deceive a critic that looks at pictures one by one. So the critic gets **one more channel**, which tells it how much the batch varies:
#
# 1. the standard deviation of each number over the batch, $\sqrt{\text{variance} + 10^{-8}}$, with the variance that divides by $n$ (`unbiased=False`);
# 2. the mean of all of them: **one** number;
# 3. that number repeated in a constant channel, appended at the end: `(n, c, h, w)` → `(n, c + 1, h, w)`.
#
# The original used `torch.std(x, dim=0)`, which divides by $n - 1$: with a single picture it gives NaN. The authors' code forms groups of 4 pictures; here the
# whole batch is one group. The number carries a gradient: through it the generator learns to vary, so no `.item()`.

# %% id="minibatch-std-diagram"
diagrams.minibatch_deviation()

# %% id="minibatch_std" nbgrader={"grade": false, "grade_id": "minibatch_std", "locked": false, "schema_version": 3, "solution": true, "task": false}
def minibatch_std(x):
    """es: Añade un canal con la media de las desviaciones estándar del lote: (n, c, h, w) -> (n, c + 1, h, w)."""
    """en: Append a channel with the mean of the batch's standard deviations: (n, c, h, w) -> (n, c + 1, h, w)."""
    ### BEGIN SOLUTION
    deviations = torch.sqrt(x.var(dim=0, unbiased=False) + 1e-8)  # (c, h, w)
    channel = deviations.mean().expand(len(x), 1, *x.shape[2:])  # (n, 1, h, w)
    return torch.cat([x, channel], dim=1)
    ### END SOLUTION

# %% id="minibatch_std_check" nbgrader={"grade": true, "grade_id": "minibatch_std_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("minibatch_std", points=6) as checks:
    small_batch, small_single = lab.supplied_samples(("n", 5, 4, 3)), lab.supplied_samples((1, 5, 4, 3))
    checks.fingerprint(
        "minibatch_std.batch", minibatch_std, small_batch, shape=("n", 6, 4, 3), alone=False, points=3
    )
    checks.fingerprint(
        "minibatch_std.single",
        minibatch_std,
        small_single,
        shape=(1, 6, 4, 3),
        one_size="a batch of one is a case of its own",
        points=1,
    )
    checks.loss(
        "minibatch_std.gradient",
        lambda x: minibatch_std(x)[:, -1].mean(),
        lab.supplied_batches("x", sample_shape=(5, 4, 3)),
        points=2,
    )
checks.score

# %% [markdown] id="conv-block-text-es" tags=["lang-es"]
# ## 5. El bloque (5 puntos)
#
# Cada vez que la red crece recibe un bloque: `WSConv2d` de 3 × 3 (de `in_channels` a `out_channels`), LeakyReLU con pendiente 0.2, `PixelNorm`, y lo mismo otra vez (de `out_channels` a
# `out_channels`). El generador normaliza; el crítico no, y usa el bloque con `use_pixel_norm=False`. El número de canales
# cambia, pues, en la primera convolución; en el crítico del artículo cambia en la segunda.

# %% [markdown] id="conv-block-text-en" tags=["lang-en"]
# ## 5. The block (5 marks)
#
# Each time the network grows it gets a block: a `WSConv2d` of 3 × 3 (from `in_channels` to `out_channels`), LeakyReLU with slope 0.2, `PixelNorm`, and the same again (from `out_channels` to
# `out_channels`). The generator normalises; the critic does not, and uses the block with `use_pixel_norm=False`. The number of channels
# thus changes in the first convolution; in the critic of the paper, it changes in the second.

# %% id="conv_block" nbgrader={"grade": false, "grade_id": "conv_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ConvBlock(nn.Module):
    """es: Dos convoluciones: (n, in_channels, h, w) -> (n, out_channels, h, w)."""
    """en: Two convolutions: (n, in_channels, h, w) -> (n, out_channels, h, w)."""

    def __init__(self, in_channels, out_channels, use_pixel_norm=True):
        super().__init__()
        ### BEGIN SOLUTION
        self.conv1 = WSConv2d(in_channels, out_channels)
        self.conv2 = WSConv2d(out_channels, out_channels)
        self.norm = PixelNorm() if use_pixel_norm else nn.Identity()
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        x = self.norm(F.leaky_relu(self.conv1(x), 0.2))
        return self.norm(F.leaky_relu(self.conv2(x), 0.2))
        ### END SOLUTION

# %% id="conv_block_check" nbgrader={"grade": true, "grade_id": "conv_block_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("conv_block", points=5) as checks:
    checks.assembled_output(
        "conv_block.generator",
        ConvBlock,
        parts={"WSConv2d": "convolution", "PixelNorm": "normalisation"},
        sizes=("in_channels", "out_channels"),
        input_shape=("in_channels", 6, 6),
        output_shape=("out_channels", 6, 6),
        points=3,
    )
    checks.assembled_output(
        "conv_block.critic",
        functools.partial(ConvBlock, use_pixel_norm=False),
        parts={"WSConv2d": "convolution", "PixelNorm": "unwanted"},
        sizes=("in_channels", "out_channels"),
        input_shape=("in_channels", 6, 6),
        output_shape=("out_channels", 6, 6),
        points=2,
    )
checks.score

# %% id="claim-block" tags=["active-py", "claim"]
# es: El número de canales cambia, pues, en la primera convolución; …
# en: The number of channels thus changes in the first convolution; …
shapes = [tuple(p.shape) for p in ConvBlock(4, 8).parameters() if p.ndim == 4]
assert shapes == [(8, 4, 3, 3), (8, 8, 3, 3)]

# %% [markdown] id="fade-in-text-es" tags=["lang-es"]
# ## 6. Entrar poco a poco (4 puntos)
#
# Un bloque recién añadido tiene pesos al azar: si mandara desde el primer momento, estropearía lo aprendido. Por eso se mezcla con lo que la red ya hacía,
# $$(1 - \alpha)\,\text{old} + \alpha\,\text{new},$$
# y $\alpha$ sube de 0 a 1: con $\alpha = 0$ solo cuenta el camino viejo, con $\alpha = 1$ solo el nuevo. En el dibujo,
# el camino nuevo muestra lo que dará **cuando esté entrenado**; al comienzo da colores sin sentido, como verás en la sección 14.

# %% [markdown] id="fade-in-text-en" tags=["lang-en"]
# ## 6. Entering little by little (4 marks)
#
# A block just added has random weights: if it took over from the first moment, it would spoil what was learned. So it is blended with what the network did before,
# $$(1 - \alpha)\,\text{old} + \alpha\,\text{new},$$
# and $\alpha$ rises from 0 to 1: with $\alpha = 0$ only the old way counts, with $\alpha = 1$ only the new one. In the drawing,
# the new way shows what it will give **once it is trained**; at first it gives meaningless colours, as you will see in section 14.

# %% id="fade-in-diagram"
diagrams.fade_in()

# %% id="fade_in" nbgrader={"grade": false, "grade_id": "fade_in", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fade_in(alpha, old, new):
    """es: Mezcla lo viejo y lo nuevo, de igual forma."""
    """en: Blend old and new, which have the same shape."""
    ### BEGIN SOLUTION
    return (1 - alpha) * old + alpha * new
    ### END SOLUTION

# %% id="fade_in_check" nbgrader={"grade": true, "grade_id": "fade_in_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("fade_in", points=4) as checks:
    small_shape = ("n", 3, 4, 4)
    cases = lab.supplied_samples(small_shape, "old"), lab.supplied_samples(small_shape, "new")
    checks.fingerprint(
        "fade_in.ends",
        lambda old, new: torch.stack([fade_in(0.0, old, new), fade_in(1.0, old, new)]),
        *cases,
        shape=(2, *small_shape),
        points=2,
    )
    checks.fingerprint(
        "fade_in.between", fade_in, 0.3, *cases, shape=small_shape, differentiable=True, points=2
    )
checks.score

# %% [markdown] id="features-text-es" tags=["lang-es"]
# ## 7. El generador (10 puntos)
#
# Las dos redes se construyen enteras, hasta 1024 × 1024 píxeles, y `steps` dice cuántos bloques se usan: 0 para 4 × 4, 1 para 8 × 8, … 8 para 1024 × 1024. Los mapas
# grandes llevan menos canales; `features(channels, stage)`, que ya está escrita, dice cuántos tiene cada etapa.

# %% [markdown] id="features-text-en" tags=["lang-en"]
# ## 7. The generator (10 marks)
#
# Both networks are built as a whole, up to 1024 × 1024 pixels, and `steps` says how many blocks are used: 0 for 4 × 4, 1 for 8 × 8, … 8 for 1024 × 1024. Large
# maps have fewer channels; `features(channels, stage)`, which is written already, says how many each stage has.

# %% id="features"
MAX_STEPS = 8


def features(channels, stage):
    """es: Canales de una etapa: los mismos hasta 32 × 32, la mitad en cada una de las siguientes."""
    """en: Channels of a stage: the same up to 32 × 32, half as many at each one after it."""
    return max(1, channels // 2 ** max(0, stage - 3))


[(4 * 2**stage, features(32, stage)) for stage in range(MAX_STEPS + 1)]

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# | parte | capas | de → a |
# |---|---|---|
# | comienzo | `PixelNorm`; `WSConv2d` de núcleo 4, relleno 3, LeakyReLU 0.2, `PixelNorm`; `WSConv2d` de 3 × 3, LeakyReLU 0.2, `PixelNorm` | `(n, latent_size, 1, 1)` → `(n, channels, 4, 4)` |
# | bloque de la etapa $s = 1 \ldots 8$ | ampliar al doble (vecino más cercano) y `ConvBlock` | `features(channels, s - 1)` → `features(channels, s)` |
# | a color, etapas $s = 0 \ldots 8$ | `WSConv2d` de núcleo 1, relleno 0, **ganancia 1** | `features(channels, s)` → `image_channels` |
#
# La primera convolución extiende un píxel a 4 × 4: con relleno (*padding*) 3, cada posición de la salida ve la entrada a través de otro peso. Con `steps = 0` se pasa a color y
# se devuelve. Si no, la salida es `fade_in(alpha, old, new)`: `new` es el último mapa en color; `old`, el mapa **anterior** ampliado, con el color de la etapa
# **anterior**. Solo cuentan las dos últimas etapas: llama a `fade_in` una sola vez.
#
# A la salida no hay tanh. El original la ponía en todas las resoluciones menos en la de 4 × 4, así que al crecer la red cambiaba de escala; el artículo no la usa en
# ninguna: el crítico ya castiga los píxeles que se salen del intervalo. Guarda los bloques en `nn.ModuleList`; `F.interpolate(x, scale_factor=2)` amplía.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# | part | layers | from → to |
# |---|---|---|
# | beginning | `PixelNorm`; `WSConv2d` with kernel 4, padding 3, LeakyReLU 0.2, `PixelNorm`; `WSConv2d` of 3 × 3, LeakyReLU 0.2, `PixelNorm` | `(n, latent_size, 1, 1)` → `(n, channels, 4, 4)` |
# | block of stage $s = 1 \ldots 8$ | enlarge to double size (nearest neighbour) and `ConvBlock` | `features(channels, s - 1)` → `features(channels, s)` |
# | to colour, stages $s = 0 \ldots 8$ | `WSConv2d` with kernel 1, padding 0, **gain 1** | `features(channels, s)` → `image_channels` |
#
# The first convolution spreads one pixel over 4 × 4: with padding (*relleno*) 3, each place of the output sees the input through another weight. With `steps = 0`, convert to colour and return. Otherwise the output is
# `fade_in(alpha, old, new)`: `new` is the last map in colour; `old` is the map **before** it, enlarged, with the colour layer of the stage **before**. Only the last two stages count: call `fade_in` once only.
#
# There is no tanh at the output. The original had one at all resolutions but 4 × 4, so the scale changed when the network grew; the paper has none
# anywhere: the critic punishes pixels outside the interval anyway. Keep the blocks in `nn.ModuleList`; `F.interpolate(x, scale_factor=2)` enlarges.

# %% id="generator" nbgrader={"grade": false, "grade_id": "generator", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Generator(nn.Module):
    """es: Una imagen por vector latente: (n, latent_size, 1, 1) -> (n, image_channels, lado, lado)."""
    """en: One picture per latent vector: (n, latent_size, 1, 1) -> (n, image_channels, side, side)."""

    def __init__(self, latent_size, channels, image_channels=3):
        super().__init__()
        ### BEGIN SOLUTION
        self.beginning = nn.Sequential(
            PixelNorm(),
            WSConv2d(latent_size, channels, kernel_size=4, padding=3),  # (n, channels, 4, 4)
            nn.LeakyReLU(0.2),
            PixelNorm(),
            WSConv2d(channels, channels),
            nn.LeakyReLU(0.2),
            PixelNorm(),
        )
        widths = [features(channels, stage) for stage in range(MAX_STEPS + 1)]
        self.blocks = nn.ModuleList(ConvBlock(widths[s - 1], widths[s]) for s in range(1, MAX_STEPS + 1))
        self.to_rgb = nn.ModuleList(
            WSConv2d(width, image_channels, kernel_size=1, padding=0, gain=1) for width in widths
        )
        ### END SOLUTION

    def forward(self, z, alpha, steps):
        ### BEGIN SOLUTION
        x = self.beginning(z)
        if steps == 0:
            return self.to_rgb[0](x)
        for block in self.blocks[:steps]:
            enlarged = F.interpolate(x, scale_factor=2)
            x = block(enlarged)
        return fade_in(alpha, self.to_rgb[steps - 1](enlarged), self.to_rgb[steps](x))
        ### END SOLUTION

# %% id="generator_check" nbgrader={"grade": true, "grade_id": "generator_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("generator", points=10) as checks:

    def small_generator(latent_size, channels, image_channels):
        return checks.growing_network(
            functools.partial(Generator, latent_size, channels, image_channels),
            parts={
                "WSConv2d": "convolution",
                "PixelNorm": "normalisation",
                "ConvBlock": "block",
                "fade_in": "fade",
            },
            input_shape=lambda size: (latent_size, 1, 1),
            output_shape=lambda size: (image_channels, size, size),
        )

    # es: Parejas (alpha, steps).
    # en: Pairs (alpha, steps).
    small_generator(12, 8, 2).output("generator.first", [(1.0, 0)], points=2)
    small_generator(10, 16, 3).output(
        "generator.grown", [(1.0, 1), (1.0, 2), (1.0, 4)], shapes_up_to=1024, points=4
    )
    small_generator(12, 8, 2).output("generator.fading", [(0.0, 3), (1.0, 1), (0.0, 4)], points=4)
checks.score

# %% [markdown] id="critic-text-es" tags=["lang-es"]
# ## 8. El crítico (10 puntos)
#
# El espejo del generador: comienza por la resolución más alta y baja hasta 4 × 4. Es un crítico, como en el laboratorio 4: da una puntuación (*score*) sin límites, `(n, 1)`, sin sigmoide.
#
# | parte | capas | de → a |
# |---|---|---|
# | desde el color, etapas $s = 0 \ldots 8$ | `WSConv2d` de núcleo 1, relleno 0, LeakyReLU 0.2 | `image_channels` → `features(channels, s)` |
# | bloque de la etapa $s = 1 \ldots 8$ | `ConvBlock` **sin** `PixelNorm` y promedio de 2 × 2 (`F.avg_pool2d(x, 2)`) | `features(channels, s)` → `features(channels, s - 1)` |
# | final | `minibatch_std`; `WSConv2d` de 3 × 3, LeakyReLU 0.2; `WSConv2d` de núcleo 4, relleno 0, LeakyReLU 0.2; `WSConv2d` de núcleo 1, relleno 0, **ganancia 1** | `channels + 1` → `channels` → `channels` → 1 |
#
# Con `steps > 0`: `new` es la imagen que pasó por el color y el bloque de la etapa `steps`; `old`, la imagen **reducida** a la mitad con `F.avg_pool2d`, que pasa por el color (y LeakyReLU) de la etapa `steps - 1`.
# De `fade_in(alpha, old, new)` siguen los bloques `steps - 1`, …, 1 y el final.

# %% [markdown] id="critic-text-en" tags=["lang-en"]
# ## 8. The critic (10 marks)
#
# The mirror of the generator: it begins with the highest resolution and goes down to 4 × 4. It is a critic, as in lab 4: it gives a score (*puntuación*) without limits, `(n, 1)`, no sigmoid.
#
# | part | layers | from → to |
# |---|---|---|
# | from colour, stages $s = 0 \ldots 8$ | `WSConv2d` with kernel 1, padding 0, LeakyReLU 0.2 | `image_channels` → `features(channels, s)` |
# | block of stage $s = 1 \ldots 8$ | `ConvBlock` **without** `PixelNorm`, and the mean of 2 × 2 (`F.avg_pool2d(x, 2)`) | `features(channels, s)` → `features(channels, s - 1)` |
# | end | `minibatch_std`; `WSConv2d` of 3 × 3, LeakyReLU 0.2; `WSConv2d` with kernel 4, padding 0, LeakyReLU 0.2; `WSConv2d` with kernel 1, padding 0, **gain 1** | `channels + 1` → `channels` → `channels` → 1 |
#
# With `steps > 0`: `new` is the picture after the colour layer and the block of stage `steps`; `old` is the picture **reduced** to half its side with `F.avg_pool2d`, after the colour layer (and LeakyReLU) of stage `steps - 1`.
# From `fade_in(alpha, old, new)` go on with blocks `steps - 1`, …, 1 and the end.

# %% id="critic" nbgrader={"grade": false, "grade_id": "critic", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Critic(nn.Module):
    """es: Una puntuación por imagen: (n, image_channels, lado, lado) -> (n, 1)."""
    """en: One score per picture: (n, image_channels, side, side) -> (n, 1)."""

    def __init__(self, channels, image_channels=3):
        super().__init__()
        ### BEGIN SOLUTION
        widths = [features(channels, stage) for stage in range(MAX_STEPS + 1)]
        self.from_rgb = nn.ModuleList(
            nn.Sequential(WSConv2d(image_channels, width, kernel_size=1, padding=0), nn.LeakyReLU(0.2))
            for width in widths
        )
        # es: blocks[s] lleva de la etapa s + 1 a la etapa s.
        # en: blocks[s] leads from stage s + 1 to stage s.
        self.blocks = nn.ModuleList(
            nn.Sequential(ConvBlock(widths[s + 1], widths[s], use_pixel_norm=False), nn.AvgPool2d(2))
            for s in range(MAX_STEPS)
        )
        self.end = nn.Sequential(
            WSConv2d(channels + 1, channels),
            nn.LeakyReLU(0.2),
            WSConv2d(channels, channels, kernel_size=4, padding=0),  # (n, channels, 1, 1)
            nn.LeakyReLU(0.2),
            WSConv2d(channels, 1, kernel_size=1, padding=0, gain=1),
        )
        ### END SOLUTION

    def forward(self, x, alpha, steps):
        ### BEGIN SOLUTION
        out = self.from_rgb[steps](x)
        if steps > 0:
            old = self.from_rgb[steps - 1](F.avg_pool2d(x, 2))
            out = fade_in(alpha, old, self.blocks[steps - 1](out))
        for stage in reversed(range(steps - 1)):
            out = self.blocks[stage](out)
        return self.end(minibatch_std(out)).view(len(x), 1)
        ### END SOLUTION

# %% id="critic_check" nbgrader={"grade": true, "grade_id": "critic_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("critic", points=10) as checks:

    def small_critic(channels, image_channels):
        return checks.growing_network(
            functools.partial(Critic, channels, image_channels),
            parts={
                "WSConv2d": "convolution",
                "PixelNorm": "unwanted",
                "ConvBlock": "block",
                "minibatch_std": "batch_channel",
                "fade_in": "fade",
            },
            input_shape=lambda size: (image_channels, size, size),
            output_shape=lambda size: (1,),
        )

    small_critic(8, 2).output("critic.first", [(1.0, 0)], points=2)
    small_critic(16, 3).output("critic.grown", [(1.0, 1), (1.0, 2), (1.0, 4)], shapes_up_to=1024, points=4)
    small_critic(8, 2).output("critic.fading", [(0.0, 3), (1.0, 1), (0.0, 4)], points=4)
checks.score

# %% [markdown] id="shapes-text-es" tags=["lang-es"]
# ### De 4 a 1024 píxeles
#
# ¿Encajan las formas en todas las resoluciones? Para saberlo no hacen falta números: el dispositivo `meta` de PyTorch calcula formas sin ocupar memoria.

# %% [markdown] id="shapes-text-en" tags=["lang-en"]
# ### From 4 to 1024 pixels
#
# Do the shapes fit at all resolutions? You need no numbers to find out: the `meta` device of PyTorch computes shapes without using memory.

# %% id="shapes" tags=["raises-exception"]
with torch.device("meta"):
    for steps in range(MAX_STEPS + 1):
        images = Generator(32, 32)(torch.randn(4, 32, 1, 1), 0.5, steps)
        scores = Critic(32)(images, 0.5, steps)
        print(f"steps = {steps}: {tuple(images.shape)} -> {tuple(scores.shape)}")

# %% id="claim-features" tags=["active-py", "claim"]
# of: features-text
# es: Las dos redes se construyen enteras, hasta 1024 × 1024 píxeles, y `steps` dice cuántos bloques se usan: 0 para 4 × 4, 1 para 8 × 8, … 8 para 1024 × 1024.
# en: Both networks are built as a whole, up to 1024 × 1024 pixels, and `steps` says how many blocks are used: 0 for 4 × 4, 1 for 8 × 8, … 8 for 1024 × 1024.
# es: Los mapas grandes llevan menos canales; `features(channels, stage)`, que ya está escrita, dice cuántos tiene cada etapa.
# en: Large maps have fewer channels; `features(channels, stage)`, which is written already, says how many each stage has.
assert images.shape == (4, 3, 1024, 1024)
assert features(32, 8) < features(32, 4) < features(32, 3) == features(32, 0)

# %% [markdown] id="fade-alpha-text-es" tags=["lang-es"]
# ## 9. El calendario de alpha (4 puntos)
#
# En cada etapa, $\alpha$ sube en línea recta de 0 a 1 durante la primera fracción `fade_fraction` de los `num_steps` pasos, y después **se queda en 1**:
# en el paso `step` (el primero es el 0), el número de pasos ya dados dividido entre el de pasos que dura la subida (esa fracción de `num_steps`, sin redondear), y nunca más de 1.
#
# Cuidado con los paréntesis: con lotes de 16, 30 épocas y 30 000 imágenes, una de las dos versiones del original calculaba en su primer paso $16 / (30 \cdot 0.5) \cdot 30\,000 = 32\,000$ en vez de $16 / (30 \cdot 0.5 \cdot 30\,000) = 0.000036$. Ningún error lo delataba, porque la línea
# siguiente recortaba a 1: la mezcla, simplemente, no ocurría.

# %% [markdown] id="fade-alpha-text-en" tags=["lang-en"]
# ## 9. The schedule of alpha (4 marks)
#
# At each stage, $\alpha$ rises in a straight line from 0 to 1 during the first share `fade_fraction` of the `num_steps` steps, and then **stays at 1**:
# at step `step` (the first is 0), the number of steps done so far divided by the number that the rise takes (that share of `num_steps`, not rounded), and never more than 1.
#
# Mind the parentheses: with batches of 16, 30 epochs and 30,000 pictures, one of the two versions in the original computed in its first step $16 / (30 \cdot 0.5) \cdot 30{,}000 = 32{,}000$ instead of $16 / (30 \cdot 0.5 \cdot 30{,}000) = 0.000036$. No error gave it away, because the next
# line clipped to 1: the blend simply did not happen.

# %% id="fade_alpha" nbgrader={"grade": false, "grade_id": "fade_alpha", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fade_alpha(step, num_steps, fade_fraction):
    """es: Alpha en un paso de una etapa: de 0 a 1, y después 1."""
    """en: Alpha at a step of a stage: from 0 to 1, and then 1."""
    ### BEGIN SOLUTION
    return min(1.0, step / (fade_fraction * num_steps))
    ### END SOLUTION

# %% id="fade_alpha_check" nbgrader={"grade": true, "grade_id": "fade_alpha_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("fade_alpha", points=4) as checks:
    cases = [*lab.supplied_integers(8, step=(1, 120), num_steps=(300, 900)), (0, 500)]
    checks.scalars("fade_alpha.rising", lambda step, n: fade_alpha(step, n, 0.4), cases, points=2)
    cases = lab.supplied_integers(16, step=(1, 400), num_steps=(800, 1000))
    checks.scalars("fade_alpha.whole", lambda step, n: fade_alpha(step, n, 0.25), cases, points=2)
checks.score

# %% [markdown] id="gradient-penalty-text-es" tags=["lang-es"]
# ## 10. Las pérdidas
# ### La penalización (4 puntos)
#
# Es la del laboratorio 4: trae la tuya. `gradient_penalty(critic, samples)` recibe las muestras ya interpoladas `(n, c, h, w)`, calcula la puntuación de cada una y el gradiente de las puntuaciones
# respecto a las muestras, y devuelve la media de $(\lVert \nabla \rVert_2 - 1)^2$, con una norma **por muestra** y sin épsilon. Con `create_graph=True`, para que también ella tenga gradiente.
# Con `minibatch_std`, la puntuación de una imagen depende un poco de las demás del lote, y la norma es «por muestra» solo de forma aproximada.

# %% [markdown] id="gradient-penalty-text-en" tags=["lang-en"]
# ## 10. The losses
# ### The penalty (4 marks)
#
# It is that of lab 4: bring yours. `gradient_penalty(critic, samples)` receives samples already interpolated, `(n, c, h, w)`, computes the score of each and the gradient of the scores
# with respect to the samples, and returns the mean of $(\lVert \nabla \rVert_2 - 1)^2$, with one norm **per sample** and no epsilon. With `create_graph=True`, so that it has a gradient too.
# With `minibatch_std`, the score of a picture depends a little on the others of the batch, and the norm is “per sample” only approximately.

# %% id="gradient_penalty" nbgrader={"grade": false, "grade_id": "gradient_penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_penalty(critic, samples):
    """es: Cuánto se aleja de 1 la norma del gradiente del crítico: un número."""
    """en: How far the norm of the critic's gradient is from 1: one number."""
    ### BEGIN SOLUTION
    samples = samples.detach().requires_grad_(True)
    (gradients,) = torch.autograd.grad(critic(samples).sum(), samples, create_graph=True)
    norms = gradients.flatten(1).norm(dim=1)  # (n,)
    return ((norms - 1) ** 2).mean()
    ### END SOLUTION

# %% id="gradient_penalty_check" nbgrader={"grade": true, "grade_id": "gradient_penalty_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("gradient_penalty", points=4) as checks:
    checks.gradient_penalty(
        "gradient_penalty.value",
        gradient_penalty,
        sample_shape=(3, 4, 4),
        order="value",
        called=True,
        points=2,
    )
    checks.gradient_penalty(
        "gradient_penalty.gradient",
        gradient_penalty,
        sample_shape=(3, 4, 4),
        order="gradient",
        called=True,
        points=2,
    )
checks.score

# %% id="claim-penalty" tags=["active-py", "claim"]
# es: Con `minibatch_std`, la puntuación de una imagen depende un poco de las demás del lote, y la norma es «por muestra» solo de forma aproximada.
# en: With `minibatch_std`, the score of a picture depends a little on the others of the batch, and the norm is “per sample” only approximately.
tried, batch = Critic(8), torch.rand(16, 3, 4, 4, requires_grad=True)
(others,) = torch.autograd.grad(tried(batch, 1.0, 0)[0].sum(), batch)
norms = others.flatten(1).norm(dim=1)
assert 0 < norms[1:].max() < 0.5 * norms[0]

# %% [markdown] id="critic-loss-text-es" tags=["lang-es"]
# ### La pérdida del crítico (5 puntos)
#
# A la pérdida (*loss*) de la WGAN-GP, con $\lambda = 10$, el artículo le suma un término pequeño que no deja que las puntuaciones se alejen de cero: a la pérdida de Wasserstein
# solo le importan las diferencias, y sin él todas las puntuaciones podrían subir juntas sin fin:
# $$\overline{D(G(z))} - \overline{D(x)} + 10 \cdot \text{penalty} + 0.001\;\overline{D(x)^2}.$$
# Es la media **de los cuadrados** de las puntuaciones reales. `real_scores` y `fake_scores` tienen forma `(n, 1)`; `penalty` es el número de la sección anterior. Devuelve el tensor, con su gradiente.

# %% [markdown] id="critic-loss-text-en" tags=["lang-en"]
# ### The critic's loss (5 marks)
#
# To the loss (*pérdida*) of WGAN-GP, with $\lambda = 10$, the paper adds a small term that keeps the scores from drifting away from zero: the Wasserstein loss
# depends only on differences, and without it all scores could rise together without end:
# $$\overline{D(G(z))} - \overline{D(x)} + 10 \cdot \text{penalty} + 0.001\;\overline{D(x)^2}.$$
# It is the mean **of the squares** of the real scores. `real_scores` and `fake_scores` have shape `(n, 1)`; `penalty` is the number of the section above. Return the tensor, with its gradient.

# %% id="critic_loss" nbgrader={"grade": false, "grade_id": "critic_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def critic_loss(real_scores, fake_scores, penalty):
    """es: Pérdida del crítico de una ProGAN: un número."""
    """en: Loss of a ProGAN's critic: one number."""
    ### BEGIN SOLUTION
    drift = (real_scores**2).mean()
    return fake_scores.mean() - real_scores.mean() + 10 * penalty + 0.001 * drift
    ### END SOLUTION

# %% id="critic_loss_check" nbgrader={"grade": true, "grade_id": "critic_loss_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("critic_loss", points=5) as checks:
    cases = [
        (
            lab.supplied_samples((small_size, 1), "real"),
            lab.supplied_samples((small_size, 1), "fake"),
            lab.supplied_samples((), f"penalty {small_size}"),
        )
        for small_size in (1, 5, 7, 9)
    ]
    checks.loss("critic_loss.value_and_gradient", critic_loss, cases, points=5)
checks.score

# %% [markdown] id="update-average-text-es" tags=["lang-es"]
# ## 11. Un generador promediado (4 puntos)
#
# Los pesos de una GAN suelen dar vueltas alrededor de un buen lugar, en vez de quedarse en él (Yazıcı et al., 2019). Por eso las imágenes se dibujan con un segundo generador, que no se entrena: sus parámetros son
# una **media móvil** (*moving average*) de los del primero. Después de cada paso,
# $$\bar\theta \leftarrow \beta\,\bar\theta + (1 - \beta)\,\theta, \qquad \beta = \texttt{decay}.$$
# Cambia los parámetros de `average` **directamente**, sin poner otros (*in place*: `copy_`, `lerp_`, `mul_`…), y dentro de `torch.no_grad()`: promediar no es parte
# del entrenamiento. Los de `network` no se tocan.

# %% [markdown] id="update-average-text-en" tags=["lang-en"]
# ## 11. An averaged generator (4 marks)
#
# The weights of a GAN tend to circle around a good place rather than stay there (Yazıcı et al., 2019). So pictures are drawn with a second generator that is not trained: its parameters are
# a **moving average** (*media móvil*) of those of the first. After each step,
# $$\bar\theta \leftarrow \beta\,\bar\theta + (1 - \beta)\,\theta, \qquad \beta = \texttt{decay}.$$
# Change the parameters of `average` **in place**, without replacing them (`copy_`, `lerp_`, `mul_`…), and within `torch.no_grad()`: averaging is no part of the training. Those of `network` stay as they are.

# %% id="update_average" nbgrader={"grade": false, "grade_id": "update_average", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update_average(average, network, decay):
    """es: Acerca los parámetros de average a los de network."""
    """en: Move the parameters of average towards those of network."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for averaged, parameter in zip(average.parameters(), network.parameters(), strict=True):
            averaged.copy_(decay * averaged + (1 - decay) * parameter)
    ### END SOLUTION

# %% id="update_average_check" nbgrader={"grade": true, "grade_id": "update_average_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("update_average", points=4) as checks:
    checks.moving_average("update_average.parameters", update_average, points=4)
checks.score

# %% [markdown] id="truncated-latent-text-es" tags=["lang-es"]
# ## 12. Vectores latentes recortados (3 puntos)
#
# Para dibujar una galería se suelen evitar los vectores latentes extremos, que el generador vio poco. Escribe `truncated_latent(n, latent_size, psi)`: números
# normales de forma `(n, latent_size, 1, 1)`, **recortados** al intervalo $[-\psi, \psi]$; lo que se sale queda en el borde. Pistas: `torch.randn`, `.clamp`. (El
# original muestreaba de nuevo los que se salían.)

# %% [markdown] id="truncated-latent-text-en" tags=["lang-en"]
# ## 12. Truncated latent vectors (3 marks)
#
# To draw a gallery one usually avoids extreme latent vectors, of which the generator saw few. Write `truncated_latent(n, latent_size, psi)`: normal numbers of shape
# `(n, latent_size, 1, 1)`, **clipped** to the interval $[-\psi, \psi]$; what lies outside goes to its edge. Hints: `torch.randn`, `.clamp`. (The original drew anew what lay outside.)

# %% id="truncated_latent" nbgrader={"grade": false, "grade_id": "truncated_latent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def truncated_latent(n, latent_size, psi):
    """es: Vectores latentes entre -psi y psi: (n, latent_size, 1, 1)."""
    """en: Latent vectors between -psi and psi: (n, latent_size, 1, 1)."""
    ### BEGIN SOLUTION
    return torch.randn(n, latent_size, 1, 1).clamp(-psi, psi)
    ### END SOLUTION

# %% id="truncated_latent_check" nbgrader={"grade": true, "grade_id": "truncated_latent_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
with lab.marks("truncated_latent", points=3) as checks:
    checks.fingerprint(
        "truncated_latent.values",
        lambda n, size: torch.stack([truncated_latent(n, size, psi) for psi in (0.3, 0.8, 1.7)]),
        lab.supplied_size("n"),
        lab.supplied_size("latent_size"),
        shape=(3, "n", "latent_size", 1, 1),
        points=3,
    )
checks.score

# %% [markdown] id="checkpoint-text-es" tags=["lang-es"]
# ## 13. Guardar cada etapa (3 puntos)
#
# Como en el laboratorio 3, pero lo que se cuenta son etapas. `save_checkpoint(path, stage, networks, optimizers)` guarda en un archivo la etapa y el `state_dict()` de todas las redes y optimizadores
# (dos diccionarios); `load_checkpoint(path, networks, optimizers)` lo devuelve todo a su lugar y devuelve la etapa.

# %% [markdown] id="checkpoint-text-en" tags=["lang-en"]
# ## 13. Saving each stage (3 marks)
#
# As in lab 3, but what is counted is stages. `save_checkpoint(path, stage, networks, optimizers)` keeps the stage and the `state_dict()` of all networks and optimisers (two dictionaries)
# in one file; `load_checkpoint(path, networks, optimizers)` puts all of it back in its place and returns the stage.

# %% id="checkpoint" nbgrader={"grade": false, "grade_id": "checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
def save_checkpoint(path, stage, networks, optimizers):
    """es: Guarda todo lo que hace falta para seguir después de esta etapa."""
    """en: Save all that it takes to go on after this stage."""
    ### BEGIN SOLUTION
    torch.save(
        {
            "stage": stage,
            "networks": {name: network.state_dict() for name, network in networks.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        },
        path,
    )
    ### END SOLUTION


def load_checkpoint(path, networks, optimizers):
    """es: Pone lo guardado en redes y optimizadores; devuelve la etapa."""
    """en: Put what was saved into networks and optimisers; return the stage."""
    ### BEGIN SOLUTION
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    for name, network in networks.items():
        network.load_state_dict(checkpoint["networks"][name])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(checkpoint["optimizers"][name])
    return checkpoint["stage"]
    ### END SOLUTION

# %% id="checkpoint_check" nbgrader={"grade": true, "grade_id": "checkpoint_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
with lab.marks("checkpoint", points=3) as checks:
    checks.checkpoint(
        "checkpoint.resume",
        save_checkpoint,
        load_checkpoint,
        counter="stage",
        averaged=("critic", "generator", "average"),
        points=3,
    )
checks.score

# %% [markdown] id="train-text-es" tags=["lang-es"]
# ## 14. El entrenamiento
#
# Ya está escrito; léelo, porque aquí se juntan todas las piezas. En cada paso, generador y crítico reciben **el mismo** $\alpha$: `functools.partial` lo fija una
# vez para los dos. El crítico da un paso y el generador otro. `generator_step` deja gradientes también en el crítico; no estorban, porque ese paso solo mueve el generador y el siguiente
# paso del crítico comienza con `zero_grad()`. `real_batch` refleja cada imagen real con probabilidad 1/2, como hace el código de los autores si se le pide, y, mientras $\alpha < 1$,
# la **mezcla** con su versión de la mitad de lado, como hace ese código siempre. Si no, el crítico reconocería lo generado por el detalle que todavía no puede tener.
#
# Como en el artículo, Adam lleva $\beta_1 = 0$ (en la dirección solo cuenta el último gradiente; se escribe `0.0`, porque PyTorch rechaza el entero) y $\beta_2 = 0.99$ (el «tamaño habitual» es el de los últimos cien pasos, más o menos).
# El artículo usa una tasa de 0.001, lotes de 16 hasta 128 × 128 y menores después, y una media móvil de 0.999, y muestra a las redes millones de imágenes; aquí son unas 31 000 en una CPU y medio millón en una GPU. Por eso la tasa comienza en
# 0.008 a 4 × 4 y en 0.004 después, y baja hacia cero en el último tercio de cada etapa; la media móvil olvida antes (0.99) y los lotes de 4 × 4, que cuestan poco, son de 32. El código de los autores, además, reinicia Adam en cada etapa; aquí no: sus
# medias siguen, y por eso el punto de control (*checkpoint*) las guarda.
#
# En una GPU, redes y pérdidas se calculan en **precisión mixta** (`torch.autocast` con `bfloat16`), salvo la penalización: su doble derivada se hace en float32. `bfloat16` llega
# a números tan pequeños como float32; con `float16`, un $10^{-8}$ se redondea a cero allí donde la cuenta quede en media precisión (la varianza de la sección 4), y haría falta `GradScaler`.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# ## 14. The training
#
# It is written already; read it, because all parts come together here. At each step, generator and critic get **the same** $\alpha$: `functools.partial` sets it once for both. The critic takes one step and
# the generator another. `generator_step` leaves gradients in the critic too; they do no harm, because that step moves the generator only and the critic's next step begins with `zero_grad()`. `real_batch` mirrors each
# real picture with probability 1/2, as the authors' code does if asked to, and, while $\alpha < 1$, **blends** it with its version of half the side, as that code always does. Otherwise the critic would know generated pictures by the detail that they cannot have yet.
#
# As in the paper, Adam has $\beta_1 = 0$ (only the latest gradient counts for the direction; written `0.0`, because PyTorch refuses the integer) and $\beta_2 = 0.99$ (the “usual size” is that of the last hundred steps or so).
# The paper uses a rate of 0.001, batches of 16 up to 128 × 128 and smaller ones after that, and a moving average of 0.999, and shows the networks millions of pictures; here they are about 31,000 on a CPU and half a million on a GPU. So the rate begins at
# 0.008 for 4 × 4 and at 0.004 afterwards, and falls towards zero in the last third of each stage; the moving average forgets sooner (0.99), and batches of 4 × 4, which cost little, hold 32. Besides, the authors' code resets Adam at each stage; here that is not done:
# its averages go on, and so the checkpoint (*punto de control*) keeps them.
#
# On a GPU, networks and losses are computed in **mixed precision** (`torch.autocast` with `bfloat16`), except the penalty: its double derivative is done in float32. `bfloat16` reaches
# numbers as small as float32 does; with `float16`, a $10^{-8}$ is rounded to zero wherever the calculation stays in half precision (the variance of section 4), and it would take `GradScaler`.

# %% id="train"
LATENT_SIZE, CHANNELS = 32, budget(cpu=32, cuda=64, grading=8, device=device)
BATCH_SIZES = (32, 16, 16, 16, 16)  # 4, 8, 16, 32, 64 px
RATES = (0.008, 0.004, 0.004, 0.004, 0.004)
FADE_FRACTION, DECAY = 0.3, 0.99
mixed_precision = torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
full_precision = torch.autocast(device.type, enabled=False)


def clock():
    """es: Segundos: de procesador en una CPU; de reloj con una GPU, cuando ha terminado lo pendiente."""
    """en: Seconds: of the processor on a CPU; of the clock with a GPU, when it has finished its work."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def make_training():
    """es: Redes y optimizadores nuevos; average dibuja y no se entrena."""
    """en: New networks and optimisers; average draws and is not trained."""
    generator, critic = Generator(LATENT_SIZE, CHANNELS).to(device), Critic(CHANNELS).to(device)
    networks = {"generator": generator, "critic": critic, "average": copy.deepcopy(generator)}
    optimizers = {
        name: torch.optim.Adam(networks[name].parameters(), lr=RATES[0], betas=(0.0, 0.99))
        for name in ("generator", "critic")
    }
    return networks, optimizers


def real_batch(images, batch_size, alpha):
    """es: Imágenes reales al azar, cada una reflejada o no; con alpha < 1, mezcladas con su versión reducida."""
    """en: Random real pictures, each mirrored or not; with alpha < 1, blended with their reduced version."""
    real = images[torch.randint(len(images), (batch_size,))].to(device)  # (n, 3, s, s)
    mirrored = torch.rand(batch_size, 1, 1, 1, device=device) < 0.5
    real = torch.where(mirrored, real.flip(3), real)
    size = real.shape[-1]
    return fade_in(alpha, enlarge(resize(real, size // 2), size), real) if alpha < 1 else real


def critic_step(generator, critic, optimizer, real):
    """es: Un paso del crítico; devuelve su pérdida y cuánto separa lo real de lo generado."""
    """en: One step of the critic; returns its loss and how far it sets real and generated apart."""
    with mixed_precision:
        with torch.no_grad():
            fake = generator(torch.randn(len(real), LATENT_SIZE, 1, 1, device=device))
        real_scores, fake_scores = critic(real), critic(fake)
    real_scores, fake_scores = real_scores.float(), fake_scores.float()
    with full_precision:
        weight = torch.rand(len(real), 1, 1, 1, device=device)
        penalty = gradient_penalty(critic, weight * real + (1 - weight) * fake.float())
        loss = critic_loss(real_scores, fake_scores, penalty)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item(), (real_scores.mean() - fake_scores.mean()).item()


def generator_step(generator, critic, optimizer, batch_size):
    """es: Un paso del generador; devuelve su pérdida."""
    """en: One step of the generator; returns its loss."""
    with mixed_precision:
        scores = critic(generator(torch.randn(batch_size, LATENT_SIZE, 1, 1, device=device)))
    loss = -scores.float().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train_stage(stage, num_steps, networks, optimizers, history, on_step=None, grow=True):
    """es: Entrena ambas redes a una resolución; con grow=False, sin mezcla gradual. Devuelve los segundos."""
    """en: Train both networks at one resolution; with grow=False, without fade-in. Returns the seconds."""
    images, batch_size, seconds = resize(real_images, 4 * 2**stage), BATCH_SIZES[stage], 0.0
    for step in progress(range(num_steps), f"{4 * 2**stage} px"):
        start = clock()
        alpha = fade_alpha(step, num_steps, FADE_FRACTION) if grow and stage > 0 else 1.0
        for optimizer in optimizers.values():
            optimizer.param_groups[0]["lr"] = RATES[stage] * min(1.0, 3 * (1 - step / num_steps))
        generator = functools.partial(networks["generator"], alpha=alpha, steps=stage)
        critic = functools.partial(networks["critic"], alpha=alpha, steps=stage)
        real = real_batch(images, batch_size, alpha)
        loss_critic, distance = critic_step(generator, critic, optimizers["critic"], real)
        loss_generator = generator_step(generator, critic, optimizers["generator"], batch_size)
        update_average(networks["average"], networks["generator"], DECAY)
        history.record(critic=loss_critic, generator=loss_generator, distance=distance, alpha=alpha)
        seconds += clock() - start
        if on_step is not None:
            on_step(step, alpha)
    return seconds


def draw(network, latent, steps, alpha=1.0):
    """es: Imágenes de unos vectores latentes, sin gradiente y en la CPU."""
    """en: Pictures of some latent vectors, without gradient and on the CPU."""
    with torch.no_grad():
        return network(latent.to(device), alpha, steps).cpu()

# %% id="claim-train" tags=["active-py", "claim"]
# es: Por eso la tasa comienza en 0.008 a 4 × 4 y en 0.004 después, y baja hacia cero en el último tercio de cada etapa; la media móvil olvida antes (0.99) y los lotes de 4 × 4, que cuestan poco, son de 32.
# en: So the rate begins at 0.008 for 4 × 4 and at 0.004 afterwards, and falls towards zero in the last third of each stage; the moving average forgets sooner (0.99), and batches of 4 × 4, which cost little, hold 32.
assert BATCH_SIZES[:3] == (32, 16, 16)
assert RATES[:3] == (0.008, 0.004, 0.004) and DECAY == 0.99
tried = make_training()
train_stage(0, 10, *tried, History("critic", "generator", "distance", "alpha"))
assert abs(tried[1]["critic"].param_groups[0]["lr"] - 0.3 * RATES[0]) < 1e-6

# %% id="claim-betas" tags=["active-py", "claim"]
# es: Como en el artículo, Adam lleva $\beta_1 = 0$ (en la dirección solo cuenta el último gradiente; se escribe `0.0`, porque PyTorch rechaza el entero) y $\beta_2 = 0.99$ …
# en: As in the paper, Adam has $\beta_1 = 0$ (only the latest gradient counts for the direction; written `0.0`, because PyTorch refuses the integer) and $\beta_2 = 0.99$ …
try:
    torch.optim.Adam(nn.Linear(1, 1).parameters(), betas=(0, 0.99))
    refused = False
except (ValueError, TypeError):
    refused = True
assert refused
assert make_training()[1]["critic"].param_groups[0]["betas"] == (0.0, 0.99)

# %% id="claim-gradients" tags=["active-py", "claim"]
# es: `generator_step` deja gradientes también en el crítico; no estorban, porque ese paso solo mueve el generador y el siguiente paso del crítico comienza con `zero_grad()`.
# en: `generator_step` leaves gradients in the critic too; they do no harm, because that step moves the generator only and the critic's next step begins with `zero_grad()`.
tried, tried_optimizers = make_training()
kept = [p.detach().clone() for p in tried["critic"].parameters()]
first = functools.partial(tried["generator"], alpha=1.0, steps=0), functools.partial(tried["critic"], alpha=1.0, steps=0)
generator_step(*first, tried_optimizers["generator"], 8)
assert any(p.grad is not None and p.grad.abs().max() > 0 for p in tried["critic"].parameters())
assert all(torch.equal(a, b) for a, b in zip(kept, tried["critic"].parameters(), strict=True))

# %% id="claim-precision" tags=["active-py", "claim"]
# es: `bfloat16` llega a números tan pequeños como float32; con `float16`, un $10^{-8}$ se redondea a cero …
# en: `bfloat16` reaches numbers as small as float32 does; with `float16`, a $10^{-8}$ is rounded to zero …
assert torch.finfo(torch.bfloat16).tiny == torch.finfo(torch.float32).tiny
assert torch.tensor(1e-8).half() == 0 and torch.tensor(1e-8).bfloat16() > 0

# %% [markdown] id="run-text-es" tags=["lang-es"]
# En una CPU hay tres etapas: 4, 8 y 16 píxeles. En una GPU siguen 32 y 64. Al final de cada etapa se guarda un punto de control, y `trace` anota
# lo que tiene que volver con él. Los segundos no incluyen la película.

# %% [markdown] id="run-text-en" tags=["lang-en"]
# On a CPU there are three stages: 4, 8 and 16 pixels. On a GPU, 32 and 64 follow. A checkpoint is kept at the end of each stage, and `trace` notes
# what has to come back with it. The seconds do not include the film.

# %% id="run" tags=["raises-exception"]
torch.manual_seed(5)
fixed_latent = torch.randn(32, LATENT_SIZE, 1, 1)
torch.manual_seed(111)
networks, optimizers = make_training()
history = History("critic", "generator", "distance", "alpha")
frames, traces, stage_seconds = [], [], []
# es: Pasos de cada etapa en una CPU, en una GPU y al calificar.
# en: Steps of each stage on a CPU, on a GPU and when graded.
stage_budgets = ((400, 2000, 1), (400, 3000, 1), (750, 5000, 1), (0, 8000, 0), (0, 12_000, 0))
stage_steps = [
    budget(cpu=cpu, cuda=cuda, grading=grading, device=device) for cpu, cuda, grading in stage_budgets
]
num_stages = sum(number > 0 for number in stage_steps)


def film_step(stage, step, alpha):
    """es: Guarda un cuadro de la película, seis o siete por etapa."""
    """en: Keep a frame of the film, six or seven a stage."""
    if step % max(1, stage_steps[stage] // 6) == 0:
        size = 4 * 2**stage
        pictures = draw(networks["average"], fixed_latent, stage, alpha)
        frames.append((enlarge(pictures), f"{size} × {size}, α = {alpha:.2f}"))


def trace(stage, networks, optimizers):
    """es: Lo que debe volver al reanudar: imágenes, puntuaciones y una media de Adam."""
    """en: What must come back on resuming: pictures, scores and an average of Adam."""
    pictures = draw(networks["average"], fixed_latent, stage)
    scores = draw(networks["critic"], resize(real_images[:32], 4 * 2**stage), stage)  # (32, 1)
    moments = next(iter(optimizers["critic"].state.values()))
    return pictures, scores, moments["exp_avg_sq"].clone()


for stage in range(num_stages):
    on_step = functools.partial(film_step, stage)
    seconds = train_stage(stage, stage_steps[stage], networks, optimizers, history, on_step)
    stage_seconds.append(seconds)
    traces.append(trace(stage, networks, optimizers))
    save_checkpoint(f"lab5_progan_stage{stage}.pt", stage, networks, optimizers)
    print(f"{4 * 2**stage:2d} px: {stage_steps[stage]} pasos, {seconds:.0f} s")  # es
    print(f"{4 * 2**stage:2d} px: {stage_steps[stage]} steps, {seconds:.0f} s")  # en
growing_seconds = sum(stage_seconds)

# %% id="claim-run" tags=["active-py", "claim"]
# es: En una CPU hay tres etapas: 4, 8 y 16 píxeles.
# en: On a CPU there are three stages: 4, 8 and 16 pixels.
# of: train-text
# es: El artículo usa una tasa de 0.001, lotes de 16 hasta 128 × 128 y menores después, y una media móvil de 0.999, y muestra a las redes millones de imágenes; aquí son unas 31 000 en una CPU y medio millón en una GPU.
# en: The paper uses a rate of 0.001, batches of 16 up to 128 × 128 and smaller ones after that, and a moving average of 0.999, and shows the networks millions of pictures; here they are about 31,000 on a CPU and half a million on a GPU.
assert num_stages == 3
seen_cpu, seen_cuda, _ = (sum(n * steps for n, steps in zip(BATCH_SIZES, each, strict=True)) for each in zip(*stage_budgets, strict=True))
assert seen_cpu == 31_200 and seen_cuda == 512_000

# %% id="film" tags=["raises-exception"]
film = ImageGifRecorder()
for pictures, title in frames:
    film.add(pictures, title)
film.save("lab5_progan.gif")

# %% [markdown] id="stages-text-es" tags=["lang-es"]
# ### Lo mismo, cada vez más fino
#
# Una fila por etapa, los mismos vectores latentes en cada columna. Cada etapa parte de lo que dibujaba la anterior, pero también lo corrige: busca en cada columna qué
# sobrevive (el tono de la piel, a menudo) y qué no.

# %% [markdown] id="stages-text-en" tags=["lang-en"]
# ### The same, finer and finer
#
# One row per stage, the same latent vectors in each column. Each stage starts from what the one before it drew, but corrects it too: look in each column for what survives
# (the tone of the skin, often) and what does not.

# %% id="stages" tags=["raises-exception"]
names = [f"{4 * 2**stage} px" for stage in range(num_stages)]
side = 4 * 2 ** (num_stages - 1)  # (8 * num_stages, 3, side, side)
stages = torch.cat([enlarge(pictures[:8], side) for pictures, *_ in traces])
image_grid(stages, title="Los mismos ocho vectores latentes al final de cada etapa", rows=names, side=96)  # es
image_grid(stages, title="The same eight latent vectors at the end of each stage", rows=names, side=96)  # en

# %% id="claim-stages" tags=["active-py", "claim"]
# es: Cada etapa parte de lo que dibujaba la anterior, pero también lo corrige: busca en cada columna qué sobrevive (el tono de la piel, a menudo) y qué no.
# en: Each stage starts from what the one before it drew, but corrects it too: look in each column for what survives (the tone of the skin, often) and what does not.
before, later = (resize(pictures, 4) for pictures, *_ in traces[1:3])
own = (before - later).flatten(1).norm(dim=1).mean()
foreign = (before - later.roll(1, 0)).flatten(1).norm(dim=1).mean()
assert own < foreign
skin_before, skin_later = before[:, :, 2, 1:3].mean(dim=(1, 2)), later[:, :, 2, 1:3].mean(dim=(1, 2))
assert torch.corrcoef(torch.stack([skin_before, skin_later]))[0, 1] > 0.7

# %% id="plot-generated" tags=["raises-exception"]
last_stage = num_stages - 1
size = 4 * 2**last_stage
generated, real = traces[last_stage][0], resize(real_images, size)
both = torch.cat([generated[:16], real[:16]])  # (32, 3, size, size)
names = ["generadas"] * 2 + ["reales"] * 2  # es
names = ["generated"] * 2 + ["real"] * 2  # en
image_grid(both, title=f"El generador promediado y el entrenamiento, {size} × {size}", rows=names, side=80)  # es
image_grid(both, title=f"The averaged generator and the training set, {size} × {size}", rows=names, side=80)  # en

# %% [markdown] id="faults-text-es" tags=["lang-es"]
# ### ¿Qué les falta?
#
# Compáralas con ojo crítico: ¿tienen ojos las generadas? ¿Es su fondo de un solo color? ¿Salen todos los colores? Tres medidas de 200 imágenes generadas y de las reales guardadas aparte:
# la **variedad** (la raíz de la media de los cuadrados de la diferencia entre dos imágenes, píxel por píxel), las **manchas** (la desviación de la primera fila de píxeles, que solo es fondo) y
# qué parte de las imágenes tiene cada color de fondo. Las dos últimas valen solo para los avatares, cuyo fondo es liso: con fotografías de `load_faces("carpeta")` no significan nada.

# %% [markdown] id="faults-text-en" tags=["lang-en"]
# ### What do they lack?
#
# Be critical: do the generated ones have eyes? Is their background of one colour? Do all colours occur? Three measures of 200 generated pictures and of the real ones held out:
# the **variety** (the root mean square difference between two pictures, pixel by pixel), the **blotches** (the deviation within the first row of pixels, which is background only), and
# which share of the pictures has each colour of background. The last two are for the avatars only, whose background is plain: with photographs of `load_faces("folder")` they mean nothing.

# %% id="faults" tags=["raises-exception"]
palette = real_images[:, :, 2, 2].unique(dim=0)  # (k, 3)


def variety(pictures):
    """es: Raíz de la media de los cuadrados de la diferencia entre dos imágenes."""
    """en: Root mean square difference between two pictures."""
    return math.sqrt(2 * pictures.var(dim=0).mean().item())


def background_shares(pictures):
    """es: Parte de las imágenes con cada color de fondo: (n, 3, h, w) -> (k,)."""
    """en: Share of the pictures with each colour of background: (n, 3, h, w) -> (k,)."""
    top = pictures[:, :, 0].mean(dim=2)  # (n, 3)
    return torch.cdist(top, palette).argmin(dim=1).bincount(minlength=len(palette)) / len(pictures)


torch.manual_seed(4)
latent = torch.randn(num_held_out, LATENT_SIZE, 1, 1)
generated = draw(networks["average"], latent, last_stage).clamp(-1, 1)
rows = []
for pictures in (generated, resize(held_out_images, size)):
    blotches = pictures[:, :, 0].std(dim=2).mean()
    shares = " ".join(f"{share:.2f}" for share in background_shares(pictures).sort(descending=True).values)
    rows.append((f"{variety(pictures):.3f}", f"{blotches:.3f}", shares))
table(["variedad", "manchas", "fondos, del más frecuente al menos"], rows, names=["generadas", "apartadas"])  # es
table(["variety", "blotches", "backgrounds, from the most frequent"], rows, names=["generated", "held out"])  # en

# %% [markdown] id="faults-read-es" tags=["lang-es"]
# La variedad parece casi la de las reales, pero engaña: también cuenta las manchas, que las reales no tienen. Y los fondos, que en las reales salen más o menos con igual frecuencia, salen en las generadas muy desiguales.
# Parte de la desigualdad puede venir de las manchas: un fondo mezclado se cuenta con el color más cercano a su media. Cuando un generador deja casi fuera una parte de los datos, se dice que pierde modos; para saberlo hay que contar en muchas imágenes.

# %% [markdown] id="faults-read-en" tags=["lang-en"]
# The variety seems nearly that of the real ones, but it deceives: it counts the blotches too, which real pictures do not have. And the backgrounds, which occur about equally often in real pictures, occur very unequally in generated ones.
# Part of the inequality may come from the blotches: a mixed background is counted as the colour nearest to its mean. When a generator nearly leaves out a part of the data, it is said to drop modes; to know, one has to count over many pictures.

# %% id="claim-faults" tags=["active-py", "claim"]
# es: La variedad parece casi la de las reales, pero engaña: también cuenta las manchas, que las reales no tienen.
# en: The variety seems nearly that of the real ones, but it deceives: it counts the blotches too, which real pictures do not have.
# es: Y los fondos, que en las reales salen más o menos con igual frecuencia, salen en las generadas muy desiguales.
# en: And the backgrounds, which occur about equally often in real pictures, occur very unequally in generated ones.
at_held_out = resize(held_out_images, size)
assert 0.8 < variety(generated) / variety(at_held_out) < 1.2
assert generated[:, :, 0].std(dim=2).mean() > 0.02 and at_held_out[:, :, 0].std(dim=2).mean() < 1e-3
shares, real_shares = background_shares(generated), background_shares(at_held_out)
assert shares.max() - shares.min() > 2 * (real_shares.max() - real_shares.min())

# %% [markdown] id="direct-text-es" tags=["lang-es"]
# ### ¿Ayuda crecer?
#
# Otra pareja de redes, con los **mismos pesos iniciales**, se entrena desde el primer paso a la resolución final, sin etapas ni mezcla gradual. Los pasos están elegidos para que en una CPU ambos entrenamientos lleven más o menos el mismo
# tiempo de procesador; debajo están los dos tiempos. La medida es la distancia de Wasserstein por proyecciones (laboratorio 4) al conjunto de entrenamiento, con las imágenes reducidas a cada resolución: menos es mejor. (El artículo mide esa distancia en recortes de pirámides laplacianas; aquí se mide en imágenes pequeñas enteras, y las cifras no se pueden comparar con las suyas.)
# Cada generador dibuja cinco conjuntos de imágenes (de 200 en una CPU), con los mismos vectores latentes para todos los generadores; la tabla da la media, y el gráfico, además, la menor y la mayor de las cinco distancias. Las imágenes reales guardadas aparte dicen a cuánto se puede aspirar, y los generadores **sin promediar**, qué aporta la media móvil.

# %% [markdown] id="direct-text-en" tags=["lang-en"]
# ### Does growing help?
#
# Another pair of networks, with the **same initial weights**, is trained at the final resolution from the first step, with neither stages nor fade-in. The numbers of steps are chosen so that both trainings take about the same
# processor time on a CPU; both times are printed. The measure is the sliced Wasserstein distance (lab 4) to the training set, of pictures reduced to each resolution: less is better. (The paper measures that distance on patches of Laplacian pyramids; here it is measured on whole small pictures, and the numbers cannot be compared with those of the paper.)
# Each generator draws five sets of pictures (of 200 on a CPU), from the same latent vectors for all generators; the table gives the mean, and the plot also the least and the greatest of the five distances. The real pictures held out say what one can hope for, and the generators **not averaged**, what the moving average contributes.

# %% id="direct" tags=["raises-exception"]
torch.manual_seed(111)
direct_networks, direct_optimizers = make_training()
direct_history = History("critic", "generator", "distance", "alpha")
num_steps = budget(cpu=1000, cuda=20_000, grading=1, device=device)
direct_seconds = train_stage(
    last_stage, num_steps, direct_networks, direct_optimizers, direct_history, grow=False
)
print(f"creciendo: {growing_seconds:.0f} s; sin crecer: {direct_seconds:.0f} s")  # es
print(f"growing: {growing_seconds:.0f} s; not growing: {direct_seconds:.0f} s")  # en

# %% id="compare" tags=["raises-exception"]
sides = [4 * 2**stage for stage in range(num_stages)]


def distances(pictures):
    """es: Distancia al conjunto de entrenamiento a cada resolución."""
    """en: Distance to the training set at each resolution."""
    return [sliced_wasserstein(resize(pictures, side), resize(real_images, side)) for side in sides]


torch.manual_seed(5)
latents = torch.randn(5, num_held_out, LATENT_SIZE, 1, 1)
compared = {
    "creciendo": networks["average"],  # es
    "growing": networks["average"],  # en
    "creciendo, sin promediar": networks["generator"],  # es
    "growing, not averaged": networks["generator"],  # en
    "sin crecer": direct_networks["average"],  # es
    "not growing": direct_networks["average"],  # en
    "sin crecer ni promediar": direct_networks["generator"],  # es
    "not growing, not averaged": direct_networks["generator"],  # en
}
sets = {
    name: [draw(network, latent, last_stage).clamp(-1, 1) for latent in latents]
    for name, network in compared.items()
}
sets["apartadas"] = [held_out_images]  # es
sets["held out"] = [held_out_images]  # en
measured = {name: torch.tensor([distances(each) for each in drawn]) for name, drawn in sets.items()}
rows = [[f"{distance:.3f}" for distance in each.mean(dim=0)] for each in measured.values()]
table([f"{side} px" for side in sides], rows, names=list(sets))

# %% id="compare-spread" tags=["raises-exception"]
spread = {
    name: (each[:, -1].mean().item(), each[:, -1].min().item(), each[:, -1].max().item())
    for name, each in measured.items()
}
spread["apartadas (un solo conjunto)"] = spread.pop("apartadas")  # es
spread["held out (a single set)"] = spread.pop("held out")  # en
intervals(spread, title="Media, menor y mayor de cinco conjuntos", xlabel=f"distancia, {size} px")  # es
intervals(spread, title="Mean, least and greatest of five sets", xlabel=f"distance, {size} px")  # en

# %% id="compare-pictures" tags=["raises-exception"]
rows = torch.cat([resize(drawn[0][:8], size) for drawn in sets.values()])  # (40, 3, size, size)
image_grid(rows, title="Ocho imágenes de cada generador, y ocho reales", rows=list(sets), side=96)  # es
image_grid(rows, title="Eight pictures of each generator, and eight real ones", rows=list(sets), side=96)  # en

# %% [markdown] id="compare-text-es" tags=["lang-es"]
# Entonces, ¿ayuda crecer? Con algunas semillas, sí: la red que crece queda más cerca del entrenamiento que la que comenzó en 16 × 16, y cada generador promediado, más cerca que el mismo sin promediar; compara con tu tabla. Pero los cinco conjuntos salen de un
# solo entrenamiento, y nada dicen de lo que daría otro: cambia 111 en las dos celdas y repite. Tampoco es del todo justa la comparación: tasas y pasos se eligieron para la red que crece, cuya tasa baja en cada etapa; la de la otra, una sola vez. En una CPU, además, crecer son 1 550 pasos en vez de 1 000, y 31 200 imágenes en vez de 16 000; en la ejecución de este cuaderno llevó cerca de un 10 % más de tiempo.
#
# El argumento del artículo es sobre imágenes de hasta 1024 × 1024: una red que crece da muchos de sus pasos a resoluciones baratas, y así llega a menudo a una calidad parecida hasta 2–6 veces antes, según la resolución final.
# Aquí, en una CPU, los pasos de 4 y 8 píxeles son más de la mitad (800 de 1 550) y cuestan bastante menos de la mitad del tiempo; en una GPU son 5 000 de 30 000.

# %% [markdown] id="compare-text-en" tags=["lang-en"]
# So does growing help? With some seeds it does: the network that grows ends closer to the training set than the one that began at 16 × 16, and each averaged generator closer than the same one not averaged; compare with your table. But the five sets come
# from a single training, and say nothing of what another would give: change 111 in both cells and repeat. Nor is the comparison quite fair: rates and steps were chosen for the network that grows, whose rate falls at each stage; that of the other falls only once. On a CPU, moreover, growing means 1,550 steps instead of 1,000, and 31,200 pictures instead of 16,000; in the run of this notebook it took about 10 % longer.
#
# The paper's argument is about pictures of up to 1024 × 1024: a network that grows makes many of its steps at cheap resolutions, and so often reaches a similar quality up to 2–6 times sooner, depending on the final resolution.
# Here, on a CPU, the steps at 4 and 8 pixels are more than half of all (800 of 1,550) and take well under half of the time; on a GPU they are 5,000 of 30,000.

# %% id="claim-compare" tags=["active-py", "claim", "seed-dependent"]
# es: Con algunas semillas, sí: la red que crece queda más cerca del entrenamiento que la que comenzó en 16 × 16, y cada generador promediado, más cerca que el mismo sin promediar; compara con tu tabla.
# en: With some seeds it does: the network that grows ends closer to the training set than the one that began at 16 × 16, and each averaged generator closer than the same one not averaged; compare with your table.
grown_distance, raw_distance, direct_distance, direct_raw, _ = (each[:, -1] for each in measured.values())
assert grown_distance.mean() < direct_distance.mean()
assert grown_distance.mean() < raw_distance.mean()
assert direct_distance.mean() < direct_raw.mean()

# %% id="claim-steps" tags=["active-py", "claim"]
# es: Aquí, en una CPU, los pasos de 4 y 8 píxeles son más de la mitad (800 de 1 550) y cuestan bastante menos de la mitad del tiempo; en una GPU son 5 000 de 30 000.
# en: Here, on a CPU, the steps at 4 and 8 pixels are more than half of all (800 of 1,550) and take well under half of the time; on a GPU they are 5,000 of 30,000.
cpu_steps, cuda_steps, _ = zip(*stage_budgets, strict=True)
assert (sum(cpu_steps[:2]), sum(cpu_steps)) == (800, 1550)
assert (sum(cuda_steps[:2]), sum(cuda_steps)) == (5000, 30_000)
assert sum(stage_seconds[:2]) < 0.42 * growing_seconds

# %% id="claim-more-steps" tags=["active-py", "claim"]
# es: En una CPU, además, crecer son 1 550 pasos en vez de 1 000, y 31 200 imágenes en vez de 16 000; en la ejecución de este cuaderno llevó cerca de un 10 % más de tiempo.
# en: On a CPU, moreover, growing means 1,550 steps instead of 1,000, and 31,200 pictures instead of 16,000; in the run of this notebook it took about 10 % longer.
assert (sum(stage_steps), num_steps) == (1550, 1000)
assert sum(a * b for a, b in zip(BATCH_SIZES, stage_steps, strict=True)) == 31_200
assert BATCH_SIZES[last_stage] * num_steps == 16_000
assert 0.95 < growing_seconds / direct_seconds < 1.3

# %% id="claim-equal-time" tags=["active-py", "claim"]
# of: compare-text
# es: Tampoco es del todo justa la comparación: tasas y pasos se eligieron para la red que crece, cuya tasa baja en cada etapa; la de la otra, una sola vez.
# en: Nor is the comparison quite fair: rates and steps were chosen for the network that grows, whose rate falls at each stage; that of the other falls only once.
# of: direct-text
# es: Otra pareja de redes, con los **mismos pesos iniciales**, se entrena desde el primer paso a la resolución final, sin etapas ni mezcla gradual.
# en: Another pair of networks, with the **same initial weights**, is trained at the final resolution from the first step, with neither stages nor fade-in.
# es: Los pasos están elegidos para que en una CPU ambos entrenamientos lleven más o menos el mismo tiempo de procesador; …
# en: The numbers of steps are chosen so that both trainings take about the same processor time on a CPU; …
assert 0.6 < direct_seconds / growing_seconds < 1.7
assert num_stages == 3 and min(direct_history.alpha) == 1.0
twins = []
for _ in range(2):
    torch.manual_seed(111)
    twins.append(make_training()[0]["generator"].parameters())
assert all(torch.equal(a, b) for a, b in zip(*twins, strict=True))
assert len({pictures.shape[0] for drawn in sets.values() for pictures in drawn}) == 1

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Las curvas
#
# La separación (`distance` en el código) es la media de las puntuaciones reales menos la de las generadas: lo que el crítico consigue separarlas. No es una medida de calidad que se pueda comparar entre etapas, porque en cada una el
# crítico estrena capas y mira imágenes de otro tamaño. Donde la curva queda por debajo de 0, el crítico puntúa mejor lo generado que lo real: puede pasar, por ejemplo, al comienzo de una etapa, cuando acaba de cambiar de tarea y sus capas nuevas todavía no saben separarlos; cuando aprenden, la curva sube. Debajo, $\alpha$: las líneas marcan dónde comienza cada etapa.

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### The curves
#
# The separation (`distance` in the code) is the mean of the real scores minus that of the generated ones: how far the critic manages to set them apart. It is no measure of quality to compare between stages, because at each of them the
# critic has new layers and looks at pictures of another size. Where the curve lies below 0, the critic scores generated pictures better than real ones: this may happen, for instance, when a stage begins, as its task has just changed and its new layers cannot tell them apart yet; once they can, the curve rises. Below, $\alpha$: the lines mark where each stage begins.

# %% id="curves" tags=["raises-exception"]
panels = {"separación": history.distance, r"$\alpha$": history.alpha}  # es
panels = {"separation": history.distance, r"$\alpha$": history.alpha}  # en
marks = {sum(stage_steps[:stage]): f"{4 * 2**stage} px" for stage in range(num_stages)}
stacked_curves(panels, title="Entrenamiento por etapas", marks=marks, smooth={"separación": 20})  # es
stacked_curves(panels, title="Training by stages", marks=marks, smooth={"separation": 20})  # en

# %% [markdown] id="grow-text-es" tags=["lang-es"]
# ### Reanudar y crecer
#
# Redes nuevas y el archivo de la **penúltima** etapa: si todo volvió, el generador dibuja exactamente lo que dibujó entonces, el crítico puntúa igual y Adam recuerda lo mismo. Para comenzar en cualquier tamaño ya entrenado basta con el archivo de su etapa, $\log_2(\text{lado} / 4)$.
# Después, la etapa siguiente **antes de entrenarla**: arriba $\alpha = 0$, en medio 0.5, abajo 1. Y, por último, unos pocos pasos de esa etapa, para comprobar que se ejecuta.

# %% [markdown] id="grow-text-en" tags=["lang-en"]
# ### Resuming and growing
#
# New networks and the file of the **last stage but one**: if all came back, the generator draws exactly what it drew then, the critic gives the same scores and Adam remembers the same. To begin at any size already trained, take the file of its stage, $\log_2(\text{side} / 4)$.
# After that, the next stage **before it is trained**: top row $\alpha = 0$, middle 0.5, bottom 1. And finally a few steps of that stage, to check that it runs.

# %% id="resume" tags=["raises-exception"]
resume_size = size // 2
resumed, resumed_optimizers = make_training()
path = f"lab5_progan_stage{int(math.log2(resume_size / 4))}.pt"
stage = load_checkpoint(path, resumed, resumed_optimizers)
then, now = traces[stage], trace(stage, resumed, resumed_optimizers)
same = [torch.equal(a, b) for a, b in zip(then, now, strict=True)]
print(f"etapa {stage}; ¿iguales las imágenes, las puntuaciones y Adam? {same}")  # es
print(f"stage {stage}; the same pictures, scores and Adam? {same}")  # en

# %% id="grow" tags=["raises-exception"]
next_size = 2 * resume_size
names = [f"α = {alpha}" for alpha in (0.0, 0.5, 1.0)]
rows = [draw(resumed["average"], fixed_latent[:8], stage + 1, alpha) for alpha in (0.0, 0.5, 1.0)]
image_grid(torch.cat(rows), title=f"{next_size} × {next_size}, sin entrenar", rows=names, side=96)  # es
image_grid(torch.cat(rows), title=f"{next_size} × {next_size}, untrained", rows=names, side=96)  # en

# %% id="resume-stage" tags=["raises-exception"]
torch.manual_seed(7)
continued = History("critic", "generator", "distance", "alpha")
num_steps = budget(cpu=20, cuda=300, grading=1, device=device)
train_stage(stage + 1, num_steps, resumed, resumed_optimizers, continued)
print(f"{next_size} px, alpha = {continued.alpha[-1]:.2f}: {continued}")

# %% id="claim-resume" tags=["active-py", "claim"]
# of: grow-text
# es: Redes nuevas y el archivo de la **penúltima** etapa: si todo volvió, el generador dibuja exactamente lo que dibujó entonces, el crítico puntúa igual y Adam recuerda lo mismo.
# en: New networks and the file of the **last stage but one**: if all came back, the generator draws exactly what it drew then, the critic gives the same scores and Adam remembers the same.
# es: Después, la etapa siguiente **antes de entrenarla**: arriba $\alpha = 0$, en medio 0.5, abajo 1.
# en: After that, the next stage **before it is trained**: top row $\alpha = 0$, middle 0.5, bottom 1.
assert all(same) and stage == last_stage - 1
assert len(rows) == 3
assert torch.allclose(rows[0], enlarge(traces[stage][0][:8], next_size), atol=1e-5)

# %% [markdown] id="interpolation-text-es" tags=["lang-es"]
# ### Un paseo por el espacio latente
#
# De un vector latente a otro en línea recta, en ocho imágenes por fila. `PixelNorm`, la primera capa, devuelve cada punto del camino a la esfera. Aquí una cara se transforma poco a poco en la otra.
# Un salto de una imagen a otra haría sospechar que la red memorizó (Radford et al., 2016); que no lo haya no prueba lo contrario, porque la red es una función continua.

# %% [markdown] id="interpolation-text-en" tags=["lang-en"]
# ### A walk through the latent space
#
# From one latent vector to another in a straight line, eight per row. `PixelNorm`, the first layer, brings every point of the way back to the sphere. Here one face turns into the other little by
# little. A jump from one picture to another would be a sign that the network memorised (Radford et al., 2016); that there is none does not prove the contrary, because the network is a continuous function.

# %% id="interpolation" tags=["raises-exception"]
weights = torch.linspace(0, 1, 8).view(-1, 1, 1, 1)
ends = ((0, 1), (2, 3), (4, 5))
walks = [torch.lerp(fixed_latent[a], fixed_latent[b], weights) for a, b in ends]  # 3 × (8, 32, 1, 1)
pictures = draw(networks["average"], torch.cat(walks), last_stage)
names = [f"{a + 1} → {b + 1}" for a, b in ends]
image_grid(pictures, title="De un vector latente a otro", rows=names, side=96)  # es
image_grid(pictures, title="From one latent vector to another", rows=names, side=96)  # en

# %% id="claim-interpolation" tags=["active-py", "claim"]
# es: Aquí una cara se transforma poco a poco en la otra.
# en: Here one face turns into the other little by little.
# es: De un vector latente a otro en línea recta, en ocho imágenes por fila.
# en: From one latent vector to another in a straight line, eight per row.
ways = pictures.reshape(3, 8, -1)
steps_of_way = (ways[:, 1:] - ways[:, :-1]).norm(dim=2)  # (3, 7)
assert (steps_of_way.amax(dim=1) < 0.9 * (ways[:, -1] - ways[:, 0]).norm(dim=1)).all()

# %% [markdown] id="truncation-text-es" tags=["lang-es"]
# ### ¿Sirve recortar?
#
# Los mismos números al azar con tres $\psi$, una fila cada uno, y antes de ellas la variedad de 200 imágenes.
# Compara también con $0.5\,z$, que es otra forma habitual de «calmar» los vectores latentes. Donde la red ve el tamaño de $z$, como en la BigGAN, truncar cambia variedad por calidad (Brock et al., 2019; allí se
# muestrean de nuevo los números que se salen). Aquí la primera capa borra la longitud de $z$. La variedad casi no cambia, aunque algunas caras sí: recortar cambia la dirección.

# %% [markdown] id="truncation-text-en" tags=["lang-en"]
# ### Does truncation help?
#
# The same draws with three values of $\psi$, a row each, and above them the variety of 200 pictures.
# Compare with $0.5\,z$ too, another usual way to “calm” latent vectors. Where the network sees the size of $z$, as in BigGAN, truncation trades variety for quality (Brock et al., 2019; there, the
# numbers outside are drawn anew). Here the first layer removes the length of $z$. The variety hardly changes, though some faces do: clipping changes the direction.

# %% id="truncation" tags=["raises-exception"]
def truncated_pictures(n, psi):
    """es: Imágenes de n vectores latentes recortados, siempre del mismo azar."""
    """en: Pictures of n truncated latent vectors, always from the same draws."""
    torch.manual_seed(3)
    return draw(networks["average"], truncated_latent(n, LATENT_SIZE, psi), last_stage)


psis = (0.2, 0.7, 4.0)
for psi in psis:
    print(f"ψ = {psi}: {variety(truncated_pictures(200, psi)):.3f}")
torch.manual_seed(3)
latent = torch.randn(200, LATENT_SIZE, 1, 1)
whole, half = (draw(networks["average"], factor * latent, last_stage) for factor in (1.0, 0.5))
print(f"z: {variety(whole):.5f}   0.5 z: {variety(half):.5f}")
rows, names = [truncated_pictures(8, psi) for psi in psis], [f"ψ = {psi}" for psi in psis]
image_grid(torch.cat(rows), title="El mismo azar, recortado", rows=names, side=96)  # es
image_grid(torch.cat(rows), title="The same draws, truncated", rows=names, side=96)  # en

# %% id="claim-truncation" tags=["active-py", "claim"]
# es: Aquí la primera capa borra la longitud de $z$.
# en: Here the first layer removes the length of $z$.
# es: La variedad casi no cambia, aunque algunas caras sí: recortar cambia la dirección.
# en: The variety hardly changes, though some faces do: clipping changes the direction.
varieties = [variety(truncated_pictures(200, psi)) for psi in psis]
assert (whole - half).abs().max() < 1e-2
assert max(varieties) / min(varieties) < 1.25
changed = (truncated_pictures(200, 0.2) - truncated_pictures(200, 4.0)).square().flatten(1).mean(dim=1).sqrt()
assert changed.quantile(0.9) > 0.1

# %% [markdown] id="files-text-es" tags=["lang-es"]
# ### Una galería en archivos
#
# Cien imágenes nuevas, una por archivo, en la carpeta `lab5_faces`, junto al cuaderno.

# %% [markdown] id="files-text-en" tags=["lang-en"]
# ### A gallery in files
#
# A hundred new pictures, one per file, in the folder `lab5_faces` beside the notebook.

# %% id="files" tags=["raises-exception"]
folder = Path("lab5_faces")
folder.mkdir(exist_ok=True)
torch.manual_seed(9)
num_files = budget(cpu=100, cuda=100, grading=2, device=device)
gallery = draw(networks["average"], truncated_latent(num_files, LATENT_SIZE, 0.7), last_stage)
for number, picture in enumerate(gallery.clamp(-1, 1) * 0.5 + 0.5):
    save_image(picture, folder / f"{number:03d}.png")
print(f"{len(list(folder.glob('*.png')))} PNG")

# %% id="claim-files" tags=["active-py", "claim"]
# es: Cien imágenes nuevas, una por archivo, …
# en: A hundred new pictures, one per file, …
assert len(list(folder.glob("*.png"))) == 100

# %% [markdown] id="memory-text-es" tags=["lang-es"]
# ### ¿Memoria o invención?
#
# Arriba, las ocho imágenes generadas más cercanas al entrenamiento, de 200; debajo de cada una, la imagen de entrenamiento que más se le parece, píxel por píxel, y encima su distancia. Las reales se miran también reflejadas, porque reflejadas las vio el crítico. Si el generador
# copiara píxel por píxel, las parejas serían iguales. Las cifras dan la escala: la distancia mediana al vecino más cercano (*nearest neighbour*) del entrenamiento, para imágenes generadas y para las reales guardadas aparte.

# %% [markdown] id="memory-text-en" tags=["lang-en"]
# ### Memorised or invented?
#
# Above, the eight generated pictures nearest to the training set, of 200; below each, the training picture most like it, pixel by pixel, and above it their distance. Mirrored copies are searched too, because the critic saw the real pictures mirrored. If the generator
# copied pixel by pixel, the pairs would be equal. The numbers give the scale: the median distance to the nearest neighbour (*vecino más cercano*) in the training set, for generated pictures and for the real ones held out.

# %% id="memory" tags=["raises-exception"]
torch.manual_seed(5)
training, held_out = resize(real_images, size), resize(held_out_images, size)
training = torch.cat([training, training.flip(3)])  # (3 n / 2, 3, size, size)
generated = draw(networks["average"], torch.randn(len(held_out), LATENT_SIZE, 1, 1), last_stage).clamp(-1, 1)
distance, place = nearest_neighbours(generated, training)
held_out_distance, _ = nearest_neighbours(held_out, training)
print(f"generadas: {distance.median():.3f}   apartadas: {held_out_distance.median():.3f}")  # es
print(f"generated: {distance.median():.3f}   held out: {held_out_distance.median():.3f}")  # en
closest = distance.argsort()[:8]
pairs = torch.cat([generated[closest], training[place[closest]]])
above = [f"{each:.3f}" for each in distance[closest]]
image_grid(pairs, title="¿Copias del entrenamiento?", rows=("generada", "más cercana"), above=above, side=80)  # es
image_grid(pairs, title="Copies of the training set?", rows=("generated", "nearest"), above=above, side=80)  # en

# %% id="claim-memory" tags=["active-py", "claim"]
# es: Si el generador copiara píxel por píxel, las parejas serían iguales.
# en: If the generator copied pixel by pixel, the pairs would be equal.
assert distance.min() > 0.02
assert distance.median() > held_out_distance.median()

# %% [markdown] id="questions-text-es" tags=["lang-es"]
# ## 15. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (8 puntos).** Mira las tres filas de la etapa siguiente sin entrenar. ¿Por qué con $\alpha = 0$ las imágenes son las de la etapa anterior, y qué vería el crítico si la red creciera de golpe,
# con $\alpha = 1$ desde el primer paso? ¿Qué pasaría si el generador y el crítico llevaran un $\alpha$ distinto?

# %% [markdown] id="questions-text-en" tags=["lang-en"]
# ## 15. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (8 marks).** Look at the three rows of the next stage untrained. Why are the pictures at $\alpha = 0$ those of the stage before, and what would the critic see if the network grew all at once,
# with $\alpha = 1$ from the first step? What would happen if generator and critic had different values of $\alpha$?

# %% [markdown] id="question_fade" nbgrader={"grade": true, "grade_id": "question_fade", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Con alpha = 0 la salida es el mapa anterior ampliado y pasado por su propia capa de color: el bloque nuevo existe, pero no cuenta. Con alpha = 1 desde el principio la salida serían las manchas de la tercera fila, lejos de cualquier cara: un bloque y una capa de color con pesos al azar. El crítico separaría lo real de lo generado sin esfuerzo, y sus gradientes, que llegarían a través de un bloque al azar, moverían sin provecho las capas ya entrenadas. Las imágenes reales se mezclan con el alpha del crítico: si el del generador fuera menor, el crítico reconocería lo generado por el detalle que le falta, y si fuera mayor, por el que le sobra. Distinguiría la mezcla, que no es un defecto del generador.
# en: With alpha = 0 the output is the previous map, enlarged and passed through its own colour layer: the new block exists, but does not count. With alpha = 1 from the start the output would be the blots of the third row, far from any face: a block and a colour layer with random weights. The critic would tell real from generated without effort, and its gradients, which would arrive through a random block, would move the trained layers to no purpose. Real pictures are blended with the critic's alpha: if the generator's were smaller, the critic would know generated pictures by the detail that they lack, and if it were larger, by the detail that they have too much of. It would recognise the blend, which is no fault of the generator.
# ### END SOLUTION

# %% id="claim-fade-answer" tags=["active-py", "claim"]
# es: Con alpha = 1 desde el principio la salida serían las manchas de la tercera fila, lejos de cualquier cara: un bloque y una capa de color con pesos al azar.
# en: With alpha = 1 from the start the output would be the blots of the third row, far from any face: a block and a colour layer with random weights.
fresh = Generator(LATENT_SIZE, CHANNELS).to(device)
fresh.load_state_dict(torch.load(path, map_location=device)["networks"]["average"])
untrained = draw(fresh, fixed_latent, last_stage)
assert nearest_neighbours(untrained, training)[0].median() > 1.5 * distance.median()

# %% [markdown] id="question-rate-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** `WSConv2d` con pesos de desviación 1 escalados por $c$ calcula al comienzo lo mismo que una convolución normal con pesos de desviación $c$. ¿Por qué entonces no basta
# con inicializar así una `nn.Conv2d`? Piensa en cuánto mueve Adam un peso en cada paso, en una capa con muchas entradas y en otra con pocas.

# %% [markdown] id="question-rate-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** `WSConv2d` with weights of standard deviation 1 scaled by $c$ computes at first the same as a normal convolution with weights of standard deviation $c$. Why is it not enough, then,
# to initialise an `nn.Conv2d` that way? Think of how far Adam moves a weight in each step, in a layer with many inputs and in one with few.

# %% [markdown] id="question_rate" nbgrader={"grade": true, "grade_id": "question_rate", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Adam divide el gradiente por su tamaño habitual, así que cada peso se mueve más o menos lr por paso, sea cual sea su tamaño. En la convolución normal los pesos de una capa con muchas entradas son pequeños (c pequeño) y ese mismo paso los cambia mucho en proporción; los de una capa con pocas entradas son grandes y apenas se mueven. Si todos los pesos tienen desviación 1 y se escalan al usarlos, el paso es la misma fracción de todos, y lo que cambia el peso efectivo es c veces lr: los pesos de todas las capas cambian en proporción parecida.
# en: Adam divides the gradient by its usual size, so each weight moves by about lr per step, whatever its size. In the ordinary convolution the weights of a layer with many inputs are small (small c), and that same step changes them a lot in proportion; those of a layer with few inputs are large and hardly move. If all weights have deviation 1 and are scaled when they are used, the step is the same fraction of all, and the effective weight changes by c times lr: the weights of all layers change in similar proportion.
# ### END SOLUTION

# %% id="claim-rate" tags=["active-py", "claim"]
# of: question-rate-text
# es: `WSConv2d` con pesos de desviación 1 escalados por $c$ calcula al comienzo lo mismo que una convolución normal con pesos de desviación $c$.
# en: `WSConv2d` with weights of standard deviation 1 scaled by $c$ computes at first the same as a normal convolution with weights of standard deviation $c$.
# of: question_rate
# es: Adam divide el gradiente por su tamaño habitual, así que cada peso se mueve más o menos lr por paso, sea cual sea su tamaño.
# en: Adam divides the gradient by its usual size, so each weight moves by about lr per step, whatever its size.
# es: En la convolución normal los pesos de una capa con muchas entradas son pequeños (c pequeño) y ese mismo paso los cambia mucho en proporción; los de una capa con pocas entradas son grandes y apenas se mueven.
# en: In the ordinary convolution the weights of a layer with many inputs are small (small c), and that same step changes them a lot in proportion; those of a layer with few inputs are large and hardly move.
# es: Si todos los pesos tienen desviación 1 y se escalan al usarlos, el paso es la misma fracción de todos, y lo que cambia el peso efectivo es c veces lr: los pesos de todas las capas cambian en proporción parecida.
# en: If all weights have deviation 1 and are scaled when they are used, the step is the same fraction of all, and the effective weight changes by c times lr: the weights of all layers change in similar proportion.
x = torch.randn(50, 256, 6, 6)
scaled, plain = WSConv2d(256, 8), nn.Conv2d(256, 8, 3, padding=1)
nn.init.normal_(plain.weight, std=math.sqrt(2 / (256 * 9)))
assert 0.8 < scaled(x).std() / plain(x).std() < 1.25
wide, narrow = WSConv2d(256, 8), WSConv2d(4, 8)
moved = []
for layer in (wide, narrow):
    before = next(p.detach().clone() for p in layer.parameters() if p.ndim == 4)
    adam = torch.optim.Adam(layer.parameters(), lr=0.001, betas=(0.0, 0.99))
    layer(torch.randn(20, 256 if layer is wide else 4, 6, 6)).square().mean().backward()
    adam.step()
    after = next(p.detach() for p in layer.parameters() if p.ndim == 4)
    moved.append((after - before).abs().mean() / before.std())
assert 0.9 < moved[0] / moved[1] < 1.1

# %% [markdown] id="question-truncation-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** Según las cifras, $0.5\,z$ da la misma variedad que $z$, y recortar la cambia poco. Explica ambas cosas a partir de la primera capa del generador. ¿Qué le queda a un vector latente
# cuando $\psi$ es muy pequeño?

# %% [markdown] id="question-truncation-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** According to the numbers, $0.5\,z$ gives the same variety as $z$, and truncating changes it little. Explain both from the first layer of the generator. What is left of a latent vector
# when $\psi$ is very small?

# %% [markdown] id="question_truncation" nbgrader={"grade": true, "grade_id": "question_truncation", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: La primera capa es PixelNorm: divide el vector latente por la raíz de la media de sus cuadrados, así que solo importa su dirección. 0.5 z tiene la misma dirección que z y da la misma imagen. Recortar sí cambia la dirección, porque iguala los componentes grandes con los pequeños, pero después se vuelve a normalizar y el vector queda tan lejos del origen como cualquiera. Con psi muy pequeño casi todos los componentes valen psi o -psi: quedan los signos, y con 32 componentes hay 2^32 combinaciones, de sobra para que las imágenes varíen.
# en: The first layer is PixelNorm: it divides the latent vector by the root of the mean of its squares, so only its direction matters. 0.5 z has the same direction as z and gives the same picture. Clipping does change the direction, because it makes the large components equal to the small ones, but then the vector is normalised again and ends up as far from the origin as any other. With a very small psi nearly all components are psi or -psi: the signs remain, and with 32 components there are 2^32 combinations, more than enough for the pictures to vary.
# ### END SOLUTION

# %% id="claim-truncation-answer" tags=["active-py", "claim"]
# of: question-truncation-text
# es: Según las cifras, $0.5\,z$ da la misma variedad que $z$, y recortar la cambia poco.
# en: According to the numbers, $0.5\,z$ gives the same variety as $z$, and truncating changes it little.
# of: question_truncation
# es: La primera capa es PixelNorm: divide el vector latente por la raíz de la media de sus cuadrados, así que solo importa su dirección. 0.5 z tiene la misma dirección que z y da la misma imagen.
# en: The first layer is PixelNorm: it divides the latent vector by the root of the mean of its squares, so only its direction matters. 0.5 z has the same direction as z and gives the same picture.
# es: Recortar sí cambia la dirección, porque iguala los componentes grandes con los pequeños, pero después se vuelve a normalizar y el vector queda tan lejos del origen como cualquiera.
# en: Clipping does change the direction, because it makes the large components equal to the small ones, but then the vector is normalised again and ends up as far from the origin as any other.
# es: Con psi muy pequeño casi todos los componentes valen psi o -psi: quedan los signos, y con 32 componentes hay 2^32 combinaciones, de sobra para que las imágenes varíen.
# en: With a very small psi nearly all components are psi or -psi: the signs remain, and with 32 components there are 2^32 combinations, more than enough for the pictures to vary.
assert abs(variety(whole) - variety(half)) < 1e-3
varieties = [variety(truncated_pictures(200, psi)) for psi in psis]
assert max(varieties) / min(varieties) < 1.25
clipped = truncated_latent(200, LATENT_SIZE, 0.7)
assert PixelNorm()(clipped).square().mean(dim=1).sub(1).abs().max() < 1e-3
assert (truncated_latent(200, LATENT_SIZE, 0.02).abs() > 0.0199).float().mean() > 0.95
pictures = draw(networks["average"], torch.cat([latent, 0.5 * latent]), last_stage)
assert (pictures[:200] - pictures[200:]).abs().max() < 1e-2

# %% [markdown] id="question-memory-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** ¿Memoriza tu generador? Argumenta con las parejas y con las dos distancias. ¿Qué clase de copia no descubriría una distancia píxel por píxel, y qué dice de la calidad
# que las imágenes generadas queden más lejos (o más cerca) del entrenamiento que las reales guardadas aparte?

# %% [markdown] id="question-memory-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** Does your generator memorise? Argue with the pairs and with both distances. Which kind of copy would a distance pixel by pixel not discover, and what does it say about quality
# that generated pictures lie further from (or nearer to) the training set than the real ones held out?

# %% [markdown] id="question_memory" nbgrader={"grade": true, "grade_id": "question_memory", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Las parejas se parecen a grandes rasgos, como el tono de la piel, y a veces en el pelo o el fondo, pero ninguna es igual. Las generadas están más lejos del entrenamiento que las reales guardadas aparte, así que no hay señal de copia píxel por píxel: una distancia mucho menor que las de las apartadas la haría sospechar. Que queden más lejos no prueba que no copie: una copia con ruido o con el fondo manchado también quedaría lejos, y tampoco se descubriría una desplazada o con otro color de fondo (las reflejadas, aquí sí). Dice también que les falta calidad: sus fondos tienen manchas que ninguna imagen real tiene.
# en: The pairs are alike in broad outline, such as the tone of the skin, and sometimes in hair or background, but none is equal. The generated pictures are farther from the training set than the real ones that were held out, so there is no sign of copying pixel by pixel: a distance much smaller than those of the held-out ones would make one suspect it. That they are farther does not prove that nothing is copied: a copy with noise or with a blotched background would be far away too, and a shifted one, or one with another background colour, would not be found either (mirrored ones are, here). It also says that they lack quality: their backgrounds have blotches that no real picture has.
# ### END SOLUTION

# %% id="claim-memory-answer" tags=["active-py", "claim"]
# es: Las parejas se parecen a grandes rasgos, como el tono de la piel, y a veces en el pelo o el fondo, pero ninguna es igual.
# en: The pairs are alike in broad outline, such as the tone of the skin, and sometimes in hair or background, but none is equal.
# es: Las generadas están más lejos del entrenamiento que las reales guardadas aparte, así que no hay señal de copia píxel por píxel: una distancia mucho menor que las de las apartadas la haría sospechar.
# en: The generated pictures are farther from the training set than the real ones that were held out, so there is no sign of copying pixel by pixel: a distance much smaller than those of the held-out ones would make one suspect it.
# es: Dice también que les falta calidad: sus fondos tienen manchas que ninguna imagen real tiene.
# en: It also says that they lack quality: their backgrounds have blotches that no real picture has.
unlike = (generated - training.roll(7, 0)[: len(generated)]).square().flatten(1).mean(dim=1).sqrt()
assert distance.median() > held_out_distance.median()
assert distance.min() > 0.02 and distance.median() < 0.6 * unlike.median()
skins = torch.stack([each[:, :, 7:10, 6:10].mean(dim=(1, 2, 3)) for each in (generated, training[place])])
assert torch.corrcoef(skins)[0, 1] > 0.6
assert generated[:, :, 0].std(dim=2).mean() > 2 * training[:, :, 0].std(dim=2).mean()

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Crecer: primero la composición, después el detalle; `steps` dice hasta dónde y $\alpha$ deja entrar cada etapa poco a poco, igual en las dos redes.
# - `WSConv2d`: pesos iniciales de desviación 1, escalados al usarlos por $\sqrt{g / (n_\text{in} k^2)}$; sesgos sin escalar.
# - `PixelNorm` en el generador, con $\epsilon$ dentro de la raíz; ninguna normalización en el crítico.
# - La desviación del lote como canal delata la falta de variedad; con la varianza entre $n$, un lote de 1 no da NaN.
# - WGAN-GP más $0.001\,\overline{D(x)^2}$; Adam con $\beta_1 = 0$; las imágenes, con un generador promediado.
# - Si crecer ayuda se mide: los mismos pesos iniciales, casi el mismo tiempo, la misma medida, y las imágenes reales apartadas como referencia.
# - Una imagen bonita no basta: se busca su vecina más cercana, y se compara con imágenes reales guardadas aparte.
#
# **Para seguir explorando (sin puntos).** ¿Qué pasa con una tasa de 0.001? ¿Y si los pasos se reparten de otro modo entre las etapas? ¿Y sin `minibatch_std`? Prueba
# `load_faces("carpeta")` con tus propias imágenes.

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Growing: the composition first, the detail later; `steps` says how far, and $\alpha$ lets each stage in little by little, the same in both networks.
# - `WSConv2d`: initial weights of standard deviation 1, scaled when used by $\sqrt{g / (n_\text{in} k^2)}$; biases not scaled.
# - `PixelNorm` in the generator, with $\epsilon$ inside the root; no normalisation in the critic.
# - The deviation of the batch as a channel exposes a lack of variety; with the variance over $n$, a batch of 1 gives no NaN.
# - WGAN-GP plus $0.001\,\overline{D(x)^2}$; Adam with $\beta_1 = 0$; pictures from an averaged generator.
# - Whether growing helps is measured: the same initial weights, almost the same time, the same measure, and real pictures held out to compare with.
# - A pretty picture is not enough: look for its nearest neighbour, and compare with real pictures held out.
#
# **To explore further (no marks).** What happens with a rate of 0.001? And when the steps are shared out among the stages in another way? And without `minibatch_std`? Try
# `load_faces("folder")` with pictures of your own.

# %% [markdown] id="references-es" tags=["lang-es"]
# ## Referencias
#
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - He, K., Zhang, X., Ren, S., Sun, J. (2015). *Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification*. [arXiv:1502.01852](https://arxiv.org/abs/1502.01852).
# - Gulrajani, I. et al. (2017). *Improved Training of Wasserstein GANs*. [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - Bonneel, N., Rabin, J., Peyré, G., Pfister, H. (2015). *Sliced and Radon Wasserstein Barycenters of Measures*. Journal of Mathematical Imaging and Vision 51, 22–45.
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Karras, T., Aila, T., Laine, S., Lehtinen, J. (2018). *Progressive Growing of GANs for Improved Quality, Stability, and Variation*. [arXiv:1710.10196](https://arxiv.org/abs/1710.10196).
# - Brock, A., Donahue, J., Simonyan, K. (2019). *Large Scale GAN Training for High Fidelity Natural Image Synthesis*. [arXiv:1809.11096](https://arxiv.org/abs/1809.11096).
# - Yazıcı, Y. et al. (2019). *The Unusual Effectiveness of Averaging in GAN Training*. [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).

# %% [markdown] id="references-en" tags=["lang-en"]
# ## References
#
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - He, K., Zhang, X., Ren, S., Sun, J. (2015). *Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification*. [arXiv:1502.01852](https://arxiv.org/abs/1502.01852).
# - Gulrajani, I. et al. (2017). *Improved Training of Wasserstein GANs*. [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - Bonneel, N., Rabin, J., Peyré, G., Pfister, H. (2015). *Sliced and Radon Wasserstein Barycenters of Measures*. Journal of Mathematical Imaging and Vision 51, 22–45.
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Karras, T., Aila, T., Laine, S., Lehtinen, J. (2018). *Progressive Growing of GANs for Improved Quality, Stability, and Variation*. [arXiv:1710.10196](https://arxiv.org/abs/1710.10196).
# - Brock, A., Donahue, J., Simonyan, K. (2019). *Large Scale GAN Training for High Fidelity Natural Image Synthesis*. [arXiv:1809.11096](https://arxiv.org/abs/1809.11096).
# - Yazıcı, Y. et al. (2019). *The Unusual Effectiveness of Averaging in GAN Training*. [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).

# %% id="summary"
lab.summary()
