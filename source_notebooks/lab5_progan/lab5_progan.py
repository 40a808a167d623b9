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
# comienza con imágenes de 4 × 4 píxeles, donde solo caben los colores, y añade capas durante el entrenamiento: 8 × 8, 16 × 16… hasta 1024 × 1024.
# Cada capa nueva entra poco a poco, sin romper lo que las anteriores ya saben.
#
# Al terminar sabrás igualar la tasa de aprendizaje de todas las capas, normalizar sin mirar el lote, delatar la falta de variedad, hacer crecer dos
# redes a la vez, promediar un generador y reanudar un entrenamiento por etapas.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se vio y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas, 30.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 5: ProGAN, a network that grows
#
# Drawing a large face all at once is hard: the composition and every detail have to be right at the same time. A **ProGAN** (Karras et al., 2018)
# begins with pictures of 4 × 4 pixels, which hold little more than colours, and adds layers during training: 8 × 8, 16 × 16… up to 1024 × 1024.
# Each new layer enters little by little, without breaking what the earlier ones know already.
#
# By the end you will be able to equalise the learning rate of all layers, to normalise without looking at the batch, to expose a lack of variety, to
# grow two networks together, to average a generator, and to resume a training stage by stage.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions, 30.

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

import torch
import torch.nn.functional as F
from torch import nn

from autograder import open_lab
from course.budget import budget
from course.data import load_faces
from course.device import describe_device, get_device
from course.metrics import nearest_neighbours
from course.plots import ImageGifRecorder, curves, image_grid
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
# Retratos dibujados al azar, de 64 × 64 píxeles y en color: `(n, 3, 64, 64)` entre $-1$ y $1$. Cambian la piel, el pelo, las gafas, la ropa y el fondo. No hacen falta
# descargas; con `load_faces("carpeta")` se usan las imágenes de cualquier carpeta. Una décima parte se guarda aparte: ninguna red la verá, y servirá para
# comparar al final.
#
# Una ProGAN ve primero versiones pequeñas. `resize` promedia cuadrados de píxeles: de 64 a 4, cada píxel resume 16 × 16.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The data
#
# Portraits drawn at random, 64 × 64 pixels in colour: `(n, 3, 64, 64)` between $-1$ and $1$. Skin, hair, glasses, clothes and background vary. No download is
# needed; `load_faces("folder")` takes the pictures of any folder. One tenth is kept apart: no network will see it, and it will serve for a
# comparison in the end.
#
# A ProGAN sees small versions first. `resize` averages squares of pixels: from 64 to 4, each pixel sums up 16 × 16.

# %% id="data"
faces = load_faces(count=budget(cpu=800, cuda=2000, grading=20, device=device))
num_held_out = len(faces) // 10
held_out_images = faces.images[:num_held_out]  # (n / 10, 3, 64, 64)
real_images = faces.images[num_held_out:]  # (9 n / 10, 3, 64, 64)


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
title = "Las mismas caras a 64, 32, 16, 8 y 4 píxeles"  # es
title = "The same faces at 64, 32, 16, 8 and 4 pixels"  # en
image_grid(versions, title=title)

# %% [markdown] id="ws-conv-text-es" tags=["lang-es"]
# ## 2. La misma tasa de aprendizaje para todas las capas (8 puntos)
#
# Adam divide cada gradiente por su tamaño habitual, así que mueve todos los pesos más o menos lo mismo, sea cual sea su escala. Si una capa tiene pesos grandes y otra
# pequeños, un mismo paso es poco para la primera y demasiado para la segunda. La ProGAN guarda **todos** los pesos con desviación 1 y los escala **cada vez que se usan**:
# $$y = (c\,W) * x + b, \qquad c = \sqrt{\frac{g}{n_\text{in}\,k^2}}.$$
# $n_\text{in}\,k^2$ es el número de entradas que suma cada salida. La ganancia $g$ es 2 si después viene una LeakyReLU, que apaga casi la mitad, y 1 si no viene nada.
#
# Escribe `WSConv2d` (*weight-scaled*): pesos normales de media 0 y desviación 1, sesgo 0, y el sesgo **sin** escalar. Pista: escalar la entrada o
# los pesos da lo mismo; `F.conv2d(x, pesos, sesgo, paso, borde)` recibe los pesos como argumento.

# %% [markdown] id="ws-conv-text-en" tags=["lang-en"]
# ## 2. The same learning rate for all layers (8 marks)
#
# Adam divides each gradient by its usual size, so it moves all weights by about the same amount, whatever their scale. If one layer has large weights and another small
# ones, the same step is little for the first and too much for the second. ProGAN keeps **all** weights with deviation 1 and scales them **whenever they are used**:
# $$y = (c\,W) * x + b, \qquad c = \sqrt{\frac{g}{n_\text{in}\,k^2}}.$$
# $n_\text{in}\,k^2$ is the number of inputs that each output sums. The gain $g$ is 2 if a LeakyReLU follows, which turns nearly half of it off, and 1 if nothing follows.
#
# Write `WSConv2d` (weight-scaled): normal weights of mean 0 and deviation 1, bias 0, and the bias **not** scaled. Hint: scaling the input or
# the weights gives the same; `F.conv2d(x, weights, bias, stride, padding)` takes the weights as an argument.

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

# %% [markdown] id="pixel-norm-text-es" tags=["lang-es"]
# ## 3. Normalizar sin mirar el lote (4 puntos)
#
# Si generador y crítico compiten, las señales del generador pueden crecer sin freno. `PixelNorm` le pone a cada píxel un largo fijo: divide su vector de canales $a$ por su
# media cuadrática,
# $$b = \frac{a}{\sqrt{\frac{1}{C}\sum_{j=1}^{C} a_j^2 + \epsilon}}, \qquad \epsilon = 10^{-8}.$$
# No tiene parámetros ni estadísticas, y ninguna imagen depende de las otras del lote. El $\epsilon$ va **dentro** de la raíz: sin él, un píxel de ceros daría NaN.

# %% [markdown] id="pixel-norm-text-en" tags=["lang-en"]
# ## 3. Normalising without looking at the batch (4 marks)
#
# When generator and critic compete, the signals of the generator may grow without limit. `PixelNorm` gives each pixel a fixed length: it divides its vector of channels $a$ by
# its root mean square,
# $$b = \frac{a}{\sqrt{\frac{1}{C}\sum_{j=1}^{C} a_j^2 + \epsilon}}, \qquad \epsilon = 10^{-8}.$$
# It has no parameters and no statistics, and no picture depends on the others of the batch. The $\epsilon$ stands **inside** the root: without it, a pixel of zeros would give NaN.

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
    cases = lab.supplied_samples((3, 6, 4, 5))
    checks.fingerprint(
        "pixel_norm.values", lambda x: PixelNorm()(100 * x), cases, shape=(3, 6, 4, 5), points=2
    )
    checks.fingerprint(
        "pixel_norm.epsilon", lambda x: PixelNorm()(1e-4 * x), cases, shape=(3, 6, 4, 5), points=2
    )
checks.score

# %% [markdown] id="minibatch-std-text-es" tags=["lang-es"]
# ## 4. Delatar la falta de variedad (6 puntos)
#
# Un generador que dibuja siempre la misma cara engaña a un crítico que mira las imágenes de una en una. Por eso el crítico recibe un **canal más**, que le dice cuánto varía el lote:
#
# 1. la desviación estándar de cada número a lo largo del lote, $\sqrt{\text{varianza} + 10^{-8}}$, con la varianza que divide entre $n$ (`unbiased=False`);
# 2. la media de todas ellas: **un** número;
# 3. ese número repetido en un canal constante, que se añade al final: `(n, c, h, w)` → `(n, c + 1, h, w)`.
#
# El cuaderno original usaba `torch.std(x, dim=0)`, que divide entre $n - 1$: con una sola imagen da NaN. El artículo forma grupos de 4 imágenes; aquí todo
# el lote es un grupo. El número lleva gradiente: por él aprende el generador a variar, así que nada de `.item()`.

# %% [markdown] id="minibatch-std-text-en" tags=["lang-en"]
# ## 4. Exposing a lack of variety (6 marks)
#
# A generator that always draws the same face deceives a critic that looks at pictures one by one. So the critic gets **one more channel**, which tells it how much the batch varies:
#
# 1. the standard deviation of each number over the batch, $\sqrt{\text{variance} + 10^{-8}}$, with the variance that divides by $n$ (`unbiased=False`);
# 2. the mean of all of them: **one** number;
# 3. that number repeated in a constant channel, appended at the end: `(n, c, h, w)` → `(n, c + 1, h, w)`.
#
# The original notebook used `torch.std(x, dim=0)`, which divides by $n - 1$: with a single picture it gives NaN. The paper forms groups of 4 pictures; here the whole
# batch is one group. The number carries a gradient: through it the generator learns to vary, so no `.item()`.

# %% id="minibatch_std" nbgrader={"grade": false, "grade_id": "minibatch_std", "locked": false, "schema_version": 3, "solution": true, "task": false}
def minibatch_std(x):
    """es: Añade un canal con la desviación media del lote: (n, c, h, w) -> (n, c + 1, h, w)."""
    """en: Append a channel with the mean deviation of the batch: (n, c, h, w) -> (n, c + 1, h, w)."""
    ### BEGIN SOLUTION
    deviations = torch.sqrt(x.var(dim=0, unbiased=False) + 1e-8)  # (c, h, w)
    channel = deviations.mean().expand(len(x), 1, *x.shape[2:])  # (n, 1, h, w)
    return torch.cat([x, channel], dim=1)
    ### END SOLUTION

# %% id="minibatch_std_check" nbgrader={"grade": true, "grade_id": "minibatch_std_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("minibatch_std", points=6) as checks:
    small_batch, small_single = lab.supplied_samples((6, 5, 4, 3)), lab.supplied_samples((1, 5, 4, 3))
    checks.fingerprint("minibatch_std.batch", minibatch_std, small_batch, shape=(6, 6, 4, 3), points=3)
    checks.fingerprint("minibatch_std.single", minibatch_std, small_single, shape=(1, 6, 4, 3), points=1)
    checks.loss(
        "minibatch_std.gradient", lambda x: minibatch_std(x)[:, -1].mean(), [(small_batch,)], points=2
    )
checks.score

# %% [markdown] id="conv-block-text-es" tags=["lang-es"]
# ## 5. El bloque (5 puntos)
#
# Cada vez que la red crece recibe un bloque: `WSConv2d` de 3 × 3 (de `in_channels` a `out_channels`), LeakyReLU con pendiente 0.2, `PixelNorm`, y lo mismo otra vez (de `out_channels` a
# `out_channels`). El generador normaliza; el crítico no, y usa el bloque con `use_pixel_norm=False`.

# %% [markdown] id="conv-block-text-en" tags=["lang-en"]
# ## 5. The block (5 marks)
#
# Each time the network grows it gets a block: a `WSConv2d` of 3 × 3 (from `in_channels` to `out_channels`), LeakyReLU with slope 0.2, `PixelNorm`, and the same again (from `out_channels` to
# `out_channels`). The generator normalises; the critic does not, and uses the block with `use_pixel_norm=False`.

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
        functools.partial(ConvBlock, 3, 5),
        parts={"WSConv2d": "convolution", "PixelNorm": "normalisation"},
        input_shape=(2, 3, 6, 6),
        output_shape=(2, 5, 6, 6),
        points=3,
    )
    checks.assembled_output(
        "conv_block.critic",
        functools.partial(ConvBlock, 3, 5, use_pixel_norm=False),
        parts={"WSConv2d": "convolution"},
        input_shape=(2, 3, 6, 6),
        output_shape=(2, 5, 6, 6),
        points=2,
    )
checks.score

# %% [markdown] id="fade-in-text-es" tags=["lang-es"]
# ## 6. Entrar poco a poco (4 puntos)
#
# Un bloque recién añadido tiene pesos al azar: si mandara desde el primer momento, estropearía lo aprendido. Por eso se mezcla con lo que la red ya hacía,
# $$(1 - \alpha)\,\text{old} + \alpha\,\text{new},$$
# y $\alpha$ sube de 0 a 1: con $\alpha = 0$ solo cuenta el camino viejo, con $\alpha = 1$ solo el nuevo.

# %% [markdown] id="fade-in-text-en" tags=["lang-en"]
# ## 6. Entering little by little (4 marks)
#
# A block just added has random weights: if it took over from the first moment, it would spoil what was learned. So it is blended with what the network did before,
# $$(1 - \alpha)\,\text{old} + \alpha\,\text{new},$$
# and $\alpha$ rises from 0 to 1: with $\alpha = 0$ only the old way counts, with $\alpha = 1$ only the new one.

# %% id="fade_in" nbgrader={"grade": false, "grade_id": "fade_in", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fade_in(alpha, old, new):
    """es: Mezcla lo viejo y lo nuevo, de igual forma."""
    """en: Blend old and new, which have the same shape."""
    ### BEGIN SOLUTION
    return (1 - alpha) * old + alpha * new
    ### END SOLUTION

# %% id="fade_in_check" nbgrader={"grade": true, "grade_id": "fade_in_check", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
with lab.marks("fade_in", points=4) as checks:
    cases = (lab.supplied_samples((2, 3, 4, 4), "old"), lab.supplied_samples((2, 3, 4, 4), "new"))
    checks.fingerprint(
        "fade_in.ends",
        lambda a, b: torch.stack([fade_in(0.0, a, b), fade_in(1.0, a, b)]),
        *cases,
        shape=(2, 2, 3, 4, 4),
        points=2,
    )
    checks.fingerprint("fade_in.between", fade_in, 0.3, *cases, shape=(2, 3, 4, 4), points=2)
checks.score

# %% [markdown] id="features-text-es" tags=["lang-es"]
# ## 7. El generador (10 puntos)
#
# Las dos redes se construyen enteras, hasta 1024 × 1024 píxeles, y `steps` dice cuántos bloques se usan: 0 para 4 × 4, 1 para 8 × 8, … 8 para 1024 × 1024. Los mapas
# grandes llevan menos canales; `features(channels, stage)`, que ya está escrita, dice cuántos tiene cada etapa.

# %% [markdown] id="features-text-en" tags=["lang-en"]
# ## 7. The generator (10 marks)
#
# Both networks are built as a whole, up to 1024 × 1024 pixels, and `steps` says how many blocks are used: 0 for 4 × 4, 1 for 8 × 8, … 8 for 1024 × 1024. Large
# maps have fewer channels; `features(channels, stage)`, which is written already, says how many each stage has.

# %% id="features"
MAX_STEPS = 8


def features(channels, stage):
    """es: Canales de una etapa: los mismos hasta 32 x 32, la mitad en cada una de las siguientes."""
    """en: Channels of a stage: the same up to 32 x 32, half as many at each one after it."""
    return max(1, channels // 2 ** max(0, stage - 3))


[(4 * 2**stage, features(32, stage)) for stage in range(MAX_STEPS + 1)]

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# | parte | capas | de → a |
# |---|---|---|
# | comienzo | `PixelNorm`; `WSConv2d` de núcleo 4, borde 3, LeakyReLU 0.2, `PixelNorm`; `WSConv2d` de 3 × 3, LeakyReLU 0.2, `PixelNorm` | `(n, latent_size, 1, 1)` → `(n, channels, 4, 4)` |
# | bloque de la etapa $s = 1 \ldots 8$ | ampliar al doble (vecino más próximo) y `ConvBlock` | `features(channels, s - 1)` → `features(channels, s)` |
# | a color, etapas $s = 0 \ldots 8$ | `WSConv2d` de núcleo 1, borde 0, **ganancia 1** | `features(channels, s)` → `image_channels` |
#
# La primera convolución extiende un píxel a 4 × 4: con borde 3, cada posición de la salida ve la entrada a través de otro peso. Con `steps = 0` se pasa a color y se devuelve. Si no, la salida es
# `fade_in(alpha, old, new)`: `new` es el último mapa en color; `old`, el mapa **anterior** ampliado, con el color de la etapa **anterior**. Solo cuentan las dos últimas etapas: llama a `fade_in` una sola vez.
#
# A la salida no hay tanh. El original la ponía en todas las resoluciones menos en la de 4 × 4, así que al crecer la red cambiaba de escala; el artículo no la usa en
# ninguna: el crítico ya castiga los píxeles que se salen. Guarda los bloques en `nn.ModuleList`; `F.interpolate(x, scale_factor=2)` amplía.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# | part | layers | from → to |
# |---|---|---|
# | beginning | `PixelNorm`; `WSConv2d` with kernel 4, padding 3, LeakyReLU 0.2, `PixelNorm`; `WSConv2d` of 3 × 3, LeakyReLU 0.2, `PixelNorm` | `(n, latent_size, 1, 1)` → `(n, channels, 4, 4)` |
# | block of stage $s = 1 \ldots 8$ | enlarge to double size (nearest neighbour) and `ConvBlock` | `features(channels, s - 1)` → `features(channels, s)` |
# | to colour, stages $s = 0 \ldots 8$ | `WSConv2d` with kernel 1, padding 0, **gain 1** | `features(channels, s)` → `image_channels` |
#
# The first convolution spreads one pixel over 4 × 4: with padding 3, each place of the output sees the input through another weight. With `steps = 0`, turn to colour and return. Otherwise the output is
# `fade_in(alpha, old, new)`: `new` is the last map in colour; `old` is the map **before** it, enlarged, with the colour layer of the stage **before**. Only the last two stages count: call `fade_in` once only.
#
# There is no tanh at the output. The original had one at all resolutions but 4 × 4, so the scale changed when the network grew; the paper has none
# anywhere: the critic punishes pixels that go astray anyway. Keep the blocks in `nn.ModuleList`; `F.interpolate(x, scale_factor=2)` enlarges.

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
    small_network = checks.growing_network(
        functools.partial(Generator, 12, 8, 2),  # latent_size, channels, image_channels
        parts={
            "WSConv2d": "convolution",
            "PixelNorm": "normalisation",
            "ConvBlock": "block",
            "fade_in": "fade",
        },
        input_shape=lambda size: (3, 12, 1, 1),
        output_shape=lambda size: (3, 2, size, size),
    )
    # es: Parejas (alpha, steps).
    # en: Pairs (alpha, steps).
    small_network.output("generator.first", [(1.0, 0)], points=2)
    small_network.output(
        "generator.grown", [(1.0, 1), (1.0, 2), (1.0, 4)], shapes_up_to=1024, points=4
    )
    small_network.output("generator.fading", [(0.0, 1), (0.0, 3), (0.0, 4)], points=4)
checks.score

# %% [markdown] id="critic-text-es" tags=["lang-es"]
# ## 8. El crítico (10 puntos)
#
# El espejo del generador: comienza por la resolución más alta y baja hasta 4 × 4. Es un crítico, como en el laboratorio 4: da una puntuación sin límites, `(n, 1)`, sin sigmoide.
#
# | parte | capas | de → a |
# |---|---|---|
# | desde el color, etapas $s = 0 \ldots 8$ | `WSConv2d` de núcleo 1, borde 0, LeakyReLU 0.2 | `image_channels` → `features(channels, s)` |
# | bloque de la etapa $s = 1 \ldots 8$ | `ConvBlock` **sin** `PixelNorm` y promedio de 2 × 2 (`F.avg_pool2d(x, 2)`) | `features(channels, s)` → `features(channels, s - 1)` |
# | final | `minibatch_std`; `WSConv2d` de 3 × 3, LeakyReLU 0.2; `WSConv2d` de núcleo 4, borde 0, LeakyReLU 0.2; `WSConv2d` de núcleo 1, borde 0, **ganancia 1** | `channels + 1` → `channels` → `channels` → 1 |
#
# Con `steps > 0`: `new` es la imagen que pasó por el color y el bloque de la etapa `steps`; `old`, la imagen **reducida** a la mitad con `F.avg_pool2d`, que pasa por el color (y LeakyReLU) de la etapa `steps - 1`.
# De `fade_in(alpha, old, new)` siguen los bloques `steps - 1`, …, 1 y el final.

# %% [markdown] id="critic-text-en" tags=["lang-en"]
# ## 8. The critic (10 marks)
#
# The mirror of the generator: it begins with the highest resolution and goes down to 4 × 4. It is a critic, as in lab 4: it gives a score without limits, `(n, 1)`, no sigmoid.
#
# | part | layers | from → to |
# |---|---|---|
# | from colour, stages $s = 0 \ldots 8$ | `WSConv2d` with kernel 1, padding 0, LeakyReLU 0.2 | `image_channels` → `features(channels, s)` |
# | block of stage $s = 1 \ldots 8$ | `ConvBlock` **without** `PixelNorm`, and the mean of 2 × 2 (`F.avg_pool2d(x, 2)`) | `features(channels, s)` → `features(channels, s - 1)` |
# | end | `minibatch_std`; `WSConv2d` of 3 × 3, LeakyReLU 0.2; `WSConv2d` with kernel 4, padding 0, LeakyReLU 0.2; `WSConv2d` with kernel 1, padding 0, **gain 1** | `channels + 1` → `channels` → `channels` → 1 |
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
    small_network = checks.growing_network(
        functools.partial(Critic, 8, 2),  # channels, image_channels
        parts={
            "WSConv2d": "convolution",
            "ConvBlock": "block",
            "minibatch_std": "batch_channel",
            "fade_in": "fade",
        },
        input_shape=lambda size: (3, 2, size, size),
        output_shape=lambda size: (3, 1),
    )
    small_network.output("critic.first", [(1.0, 0)], points=2)
    small_network.output("critic.grown", [(1.0, 1), (1.0, 2), (1.0, 4)], shapes_up_to=1024, points=4)
    small_network.output("critic.fading", [(0.0, 1), (0.0, 3), (0.0, 4)], points=4)
checks.score

# %% [markdown] id="shapes-text-es" tags=["lang-es"]
# ### De 4 a 1024 píxeles
#
# ¿Encajan las formas en todas las resoluciones? Para saberlo no hacen falta números: el dispositivo `meta` de PyTorch calcula formas sin ocupar memoria.

# %% [markdown] id="shapes-text-en" tags=["lang-en"]
# ### From 4 to 1024 pixels
#
# Do the shapes fit at all resolutions? It takes no numbers to know: the `meta` device of PyTorch computes shapes without using memory.

# %% id="shapes" tags=["raises-exception"]
with torch.device("meta"):
    for steps in range(MAX_STEPS + 1):
        images = Generator(32, 32)(torch.randn(4, 32, 1, 1), 0.5, steps)
        scores = Critic(32)(images, 0.5, steps)
        print(f"steps = {steps}: {tuple(images.shape)} -> {tuple(scores.shape)}")

# %% [markdown] id="fade-alpha-text-es" tags=["lang-es"]
# ## 9. El calendario de alpha (4 puntos)
#
# En cada etapa, $\alpha$ sube en línea recta de 0 a 1 durante la primera fracción `fade_fraction` de los `num_steps` pasos, y después **se queda en 1**:
# en el paso `step` (el primero es el 0), los pasos dados entre los que dura la subida, y nunca más de 1.
#
# Cuidado con los paréntesis: el original dividía donde no debía en una de sus dos versiones, y el primer paso daba 32 000 en vez de 0.000036. Nada se rompía a la vista, porque la línea
# siguiente recortaba a 1: la mezcla, simplemente, no ocurría.

# %% [markdown] id="fade-alpha-text-en" tags=["lang-en"]
# ## 9. The schedule of alpha (4 marks)
#
# At each stage, $\alpha$ rises in a straight line from 0 to 1 during the first share `fade_fraction` of the `num_steps` steps, and then **stays at 1**:
# at step `step` (the first is 0), the steps done over those that the rise takes, and never more than 1.
#
# Mind the parentheses: one of the two versions in the original divided where it should not, and its first step gave 32,000 for 0.000036. Nothing broke in view, because the next
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
    cases = lab.supplied_integers(8, step=(1, 120), num_steps=(300, 900))
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

# %% [markdown] id="gradient-penalty-text-en" tags=["lang-en"]
# ## 10. The losses
# ### The penalty (4 marks)
#
# It is that of lab 4: bring yours. `gradient_penalty(critic, samples)` receives samples already interpolated, `(n, c, h, w)`, computes the score of each and the gradient of the scores
# with respect to the samples, and returns the mean of $(\lVert \nabla \rVert_2 - 1)^2$, with one norm **per sample** and no epsilon. With `create_graph=True`, so that it has a gradient too.

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
        "gradient_penalty.value", gradient_penalty, sample_shape=(3, 4, 4), order="value", points=2
    )
    checks.gradient_penalty(
        "gradient_penalty.gradient", gradient_penalty, sample_shape=(3, 4, 4), order="gradient", points=2
    )
checks.score

# %% [markdown] id="critic-loss-text-es" tags=["lang-es"]
# ### La pérdida del crítico (5 puntos)
#
# A la pérdida de la WGAN-GP, con $\lambda = 10$, el artículo le suma un término pequeño que no deja que las puntuaciones se alejen de cero: a la pérdida de Wasserstein
# solo le importan las diferencias, y sin él todas las puntuaciones podrían subir juntas sin fin:
# $$\overline{D(G(z))} - \overline{D(x)} + 10 \cdot \text{penalty} + 0.001\;\overline{D(x)^2}.$$
# Es la media **de los cuadrados** de las puntuaciones reales. `real_scores` y `fake_scores` tienen forma `(n, 1)`; `penalty` es el número de la sección anterior. Devuelve el tensor, con su gradiente.

# %% [markdown] id="critic-loss-text-en" tags=["lang-en"]
# ### The critic's loss (5 marks)
#
# To the loss of WGAN-GP, with $\lambda = 10$, the paper adds a small term that keeps the scores from drifting away from zero: the Wasserstein loss
# cares for differences only, and without it all scores could rise together without end:
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
        for small_size in (1, 5, 8, 16)
    ]
    checks.loss("critic_loss.value_and_gradient", critic_loss, cases, points=5)
checks.score

# %% [markdown] id="update-average-text-es" tags=["lang-es"]
# ## 11. Un generador promediado (4 puntos)
#
# Los pesos de una GAN, más que quedarse en un buen lugar, dan vueltas a su alrededor. Por eso las imágenes se dibujan con un segundo generador, que no se entrena: sus parámetros son
# una **media móvil** de los del primero. Después de cada paso,
# $$\bar\theta \leftarrow \beta\,\bar\theta + (1 - \beta)\,\theta, \qquad \beta = \texttt{decay}.$$
# Cambia los parámetros de `average` **en su lugar** (`copy_`, `lerp_`, `mul_`…) y dentro de `torch.no_grad()`: promediar no es parte del entrenamiento. Los de `network` no se tocan.

# %% [markdown] id="update-average-text-en" tags=["lang-en"]
# ## 11. An averaged generator (4 marks)
#
# The weights of a GAN circle around a good place rather than stay there. So pictures are drawn with a second generator that is not trained: its parameters are
# a **moving average** of those of the first. After each step,
# $$\bar\theta \leftarrow \beta\,\bar\theta + (1 - \beta)\,\theta, \qquad \beta = \texttt{decay}.$$
# Change the parameters of `average` **in place** (`copy_`, `lerp_`, `mul_`…) and within `torch.no_grad()`: averaging is no part of the training. Those of `network` stay as they are.

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
# Para dibujar una galería se suelen evitar los vectores latentes extremos, que el generador vio poco. Escribe `truncated_latent(n, latent_size, psi)`: números normales de forma
# `(n, latent_size, 1, 1)`, **recortados** al intervalo $[-\psi, \psi]$; lo que se sale queda en el borde. Pistas: `torch.randn`, `.clamp`. (El original sorteaba de nuevo los que se salían.)

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
    checks.fingerprint("truncated_latent.values", truncated_latent, 7, 20, 0.8, shape=(7, 20, 1, 1), points=3)
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
    checkpoint = torch.load(path)
    for name, network in networks.items():
        network.load_state_dict(checkpoint["networks"][name])
    for name, optimizer in optimizers.items():
        optimizer.load_state_dict(checkpoint["optimizers"][name])
    return checkpoint["stage"]
    ### END SOLUTION

# %% id="checkpoint_check" nbgrader={"grade": true, "grade_id": "checkpoint_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
with lab.marks("checkpoint", points=3) as checks:
    checks.checkpoint("checkpoint.resume", save_checkpoint, load_checkpoint, counter="stage", points=3)
checks.score

# %% [markdown] id="train-text-es" tags=["lang-es"]
# ## 14. El entrenamiento
#
# Ya está escrito; léelo, porque aquí se juntan todas las piezas. En cada paso, generador y crítico reciben **el mismo** $\alpha$: `functools.partial` lo fija una vez para los dos. El crítico da un paso y
# el generador otro. Adam lleva $\beta_1 = 0$ (escrito `0.0`: PyTorch rechaza el entero) y una tasa de 0.004; el artículo usa 0.001, pero con un presupuesto tan corto no alcanza. Por la misma razón la media
# móvil olvida rápido: 0.98, y no 0.999.
#
# En una GPU, redes y pérdidas se calculan en **precisión mixta** (`torch.autocast` con `bfloat16`), salvo la penalización: su doble derivada se hace en float32. `bfloat16` llega
# a números tan pequeños como float32; con `float16`, un $10^{-8}$ se redondea a cero allí donde la cuenta quede en media precisión (la varianza de la sección 4), y haría falta `GradScaler`.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# ## 14. The training
#
# It is written already; read it, because all parts come together here. At each step, generator and critic get **the same** $\alpha$: `functools.partial` sets it once for both. The critic makes one step and
# the generator another. Adam has $\beta_1 = 0$ (written `0.0`: PyTorch refuses the integer) and a rate of 0.004; the paper uses 0.001, but on such a short budget that does not get far. For the same reason the moving
# average forgets quickly: 0.98, not 0.999.
#
# On a GPU, networks and losses are computed in **mixed precision** (`torch.autocast` with `bfloat16`), except the penalty: its double derivative is done in float32. `bfloat16` reaches
# numbers as small as float32 does; with `float16`, a $10^{-8}$ is rounded to zero wherever the calculation stays in half precision (the variance of section 4), and it would take `GradScaler`.

# %% id="train"
LATENT_SIZE, CHANNELS, BATCH_SIZE = 32, 32, 16
FADE_FRACTION, DECAY = 0.4, 0.98
mixed_precision = torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
full_precision = torch.autocast(device.type, enabled=False)


def make_training():
    """es: Redes y optimizadores nuevos; average dibuja y no se entrena."""
    """en: New networks and optimisers; average draws and is not trained."""
    generator, critic = Generator(LATENT_SIZE, CHANNELS).to(device), Critic(CHANNELS).to(device)
    networks = {"generator": generator, "critic": critic, "average": copy.deepcopy(generator)}
    optimizers = {
        name: torch.optim.Adam(networks[name].parameters(), lr=0.004, betas=(0.0, 0.99))
        for name in ("generator", "critic")
    }
    return networks, optimizers


def critic_step(generator, critic, optimizer, real):
    """es: Un paso del crítico; devuelve su pérdida y cuánto separa lo real de lo generado."""
    """en: One step of the critic; returns its loss and how far it sets real and generated apart."""
    with mixed_precision:
        fake = generator(torch.randn(len(real), LATENT_SIZE, 1, 1, device=device)).detach()
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


def generator_step(generator, critic, optimizer):
    """es: Un paso del generador; devuelve su pérdida."""
    """en: One step of the generator; returns its loss."""
    with mixed_precision:
        scores = critic(generator(torch.randn(BATCH_SIZE, LATENT_SIZE, 1, 1, device=device)))
    loss = -scores.float().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train_stage(stage, num_steps, networks, optimizers, history, on_step=lambda step, alpha: None):
    """es: Entrena ambas redes a una resolución."""
    """en: Train both networks at one resolution."""
    images = resize(real_images, 4 * 2**stage)
    for step in progress(range(num_steps), f"{4 * 2**stage} px"):
        alpha = fade_alpha(step, num_steps, FADE_FRACTION) if stage > 0 else 1.0
        generator, critic = (
            functools.partial(networks[name], alpha=alpha, steps=stage) for name in ("generator", "critic")
        )
        real = images[torch.randint(len(images), (BATCH_SIZE,))].to(device)  # (16, 3, side, side)
        loss_critic, distance = critic_step(generator, critic, optimizers["critic"], real)
        loss_generator = generator_step(generator, critic, optimizers["generator"])
        update_average(networks["average"], networks["generator"], DECAY)
        history.record(critic=loss_critic, generator=loss_generator, distance=distance, alpha=alpha)
        on_step(step, alpha)


def draw(network, latent, steps, alpha=1.0):
    """es: Imágenes de unos vectores latentes, sin gradiente y en la CPU."""
    """en: Pictures of some latent vectors, without gradient and on the CPU."""
    with torch.no_grad():
        return network(latent.to(device), alpha, steps).cpu()

# %% [markdown] id="run-text-es" tags=["lang-es"]
# En una CPU hay tres etapas: 4, 8 y 16 píxeles. En una GPU siguen 32 y 64. Al final de cada etapa se guarda un punto de control.

# %% [markdown] id="run-text-en" tags=["lang-en"]
# On a CPU there are three stages: 4, 8 and 16 pixels. On a GPU, 32 and 64 follow. A checkpoint is kept at the end of each stage.

# %% id="run" tags=["raises-exception"]
torch.manual_seed(111)
fixed_latent = torch.randn(32, LATENT_SIZE, 1, 1)
networks, optimizers = make_training()
history = History("critic", "generator", "distance", "alpha")
film, pictures_of_stage = ImageGifRecorder(), []
budgets = ((300, 2000, 1), (450, 3000, 1), (800, 5000, 1), (0, 8000, 0), (0, 12_000, 0))
stage_steps = [budget(cpu=a, cuda=b, grading=c, device=device) for a, b, c in budgets]
num_stages = sum(number > 0 for number in stage_steps)


def film_step(stage, step, alpha):
    """es: Añade un cuadro a la película, diez por etapa."""
    """en: Add a frame to the film, ten a stage."""
    if step % max(1, stage_steps[stage] // 10) == 0:
        size = 4 * 2**stage
        pictures = draw(networks["average"], fixed_latent, stage, alpha)
        film.add(enlarge(pictures), f"{size} x {size}, alpha = {alpha:.2f}")


for stage in range(num_stages):
    train_stage(
        stage, stage_steps[stage], networks, optimizers, history, functools.partial(film_step, stage)
    )
    pictures_of_stage.append(enlarge(draw(networks["average"], fixed_latent, stage)))
    save_checkpoint(f"lab5_progan_stage{stage}.pt", stage, networks, optimizers)
history

# %% id="film" tags=["raises-exception"]
film.save("lab5_progan.gif")

# %% [markdown] id="stages-text-es" tags=["lang-es"]
# ### Lo mismo, cada vez más fino
#
# Una fila por etapa, los mismos vectores latentes en cada columna.

# %% [markdown] id="stages-text-en" tags=["lang-en"]
# ### The same, finer and finer
#
# One row per stage, the same latent vectors in each column.

# %% id="stages" tags=["raises-exception"]
title = "Etapas: los mismos ocho vectores latentes"  # es
title = "Stages: the same eight latent vectors"  # en
image_grid(torch.cat([pictures[:8] for pictures in pictures_of_stage]), title=title)

# %% id="plot-generated" tags=["raises-exception"]
last_stage = num_stages - 1
size = 4 * 2**last_stage
title = f"Imágenes del generador promediado, {size} × {size}"  # es
title = f"Pictures of the averaged generator, {size} × {size}"  # en
image_grid(draw(networks["average"], fixed_latent, last_stage), title=title)

# %% id="plot-real" tags=["raises-exception"]
title = f"Imágenes reales, {size} × {size}"  # es
title = f"Real pictures, {size} × {size}"  # en
image_grid(resize(real_images[:32], size), title=title)

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Las curvas
#
# `distance` es la media de las puntuaciones reales menos la de las generadas: lo que el crítico consigue separarlas. No es una medida de calidad que se pueda comparar entre etapas, porque en cada una el
# crítico es otro y mira imágenes de otro tamaño. $\alpha$ muestra dónde comienza cada etapa.

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### The curves
#
# `distance` is the mean of the real scores minus that of the generated ones: how far the critic manages to set them apart. It is no measure of quality to compare between stages, because at each of them the
# critic is another and looks at pictures of another size. $\alpha$ shows where each stage begins.

# %% id="curves" tags=["raises-exception"]
title, steps, value = "Entrenamiento por etapas", "paso", "valor"  # es
title, steps, value = "Training by stages", "step", "value"  # en
labels = ("separación", "pérdida de $D$")  # es
labels = ("distance", "loss of $D$")  # en
curves(
    {labels[0]: history.distance, labels[1]: history.critic, r"$\alpha$": history.alpha},
    title=title,
    xlabel=steps,
    ylabel=value,
    smooth=20,
)

# %% [markdown] id="grow-text-es" tags=["lang-es"]
# ### Reanudar y crecer
#
# Redes nuevas y el archivo de la **penúltima** etapa: si todo volvió, dibujan exactamente lo que se dibujó entonces. Después, la etapa siguiente **antes de entrenarla**: arriba $\alpha = 0$, en medio 0.5,
# abajo 1. Y, por último, unos pocos pasos de esa etapa, para ver que el entrenamiento sigue.

# %% [markdown] id="grow-text-en" tags=["lang-en"]
# ### Resuming and growing
#
# New networks and the file of the **last stage but one**: if all came back, they draw exactly what was drawn then. After that, the next stage **before it is trained**: above $\alpha = 0$, in the middle 0.5,
# below 1. And finally a few steps of that stage, to see that the training goes on.

# %% id="resume" tags=["raises-exception"]
resumed, resumed_optimizers = make_training()
stage = load_checkpoint(f"lab5_progan_stage{last_stage - 1}.pt", resumed, resumed_optimizers)
pictures = enlarge(draw(resumed["average"], fixed_latent, stage))
same = torch.equal(pictures, pictures_of_stage[stage])
betas = resumed_optimizers["critic"].param_groups[0]["betas"]
print(f"etapa {stage}, betas {betas}; ¿las mismas imágenes? {same}")  # es
print(f"stage {stage}, betas {betas}; the same pictures? {same}")  # en

# %% id="grow" tags=["raises-exception"]
rows = [draw(resumed["average"], fixed_latent[:8], stage + 1, alpha) for alpha in (0.0, 0.5, 1.0)]
title = f"{8 * 2**stage} × {8 * 2**stage} sin entrenar: alpha = 0, 0.5 y 1"  # es
title = f"{8 * 2**stage} × {8 * 2**stage} untrained: alpha = 0, 0.5 and 1"  # en
image_grid(torch.cat(rows), title=title)

# %% id="resume-stage" tags=["raises-exception"]
torch.manual_seed(7)
continued = History("critic", "generator", "distance", "alpha")
num_steps = budget(cpu=20, cuda=300, grading=1, device=device)
train_stage(stage + 1, num_steps, resumed, resumed_optimizers, continued)
print(f"{8 * 2**stage} px, alpha = {continued.alpha[-1]:.2f}: {continued}")

# %% [markdown] id="truncation-text-es" tags=["lang-es"]
# ### ¿Sirve recortar?
#
# Los mismos sorteos con tres $\psi$, una fila cada uno, y antes de ellas cuánto varían 200 imágenes: la distancia cuadrática media entre dos de ellas. Compara también con $0.5\,z$, que es otra forma habitual de
# «calmar» los vectores latentes.

# %% [markdown] id="truncation-text-en" tags=["lang-en"]
# ### Does truncation help?
#
# The same draws with three values of $\psi$, a row each, and above them how much 200 pictures vary: the root mean square distance between two of them. Compare with $0.5\,z$ too, another usual way to
# “calm” latent vectors.

# %% id="truncation" tags=["raises-exception"]
def variety(latent):
    """es: Distancia cuadrática media entre dos imágenes."""
    """en: Root mean square distance between two pictures."""
    pictures = draw(networks["average"], latent, last_stage)
    return math.sqrt(2 * pictures.var(dim=0).mean().item())


rows = []
for psi in (0.2, 0.7, 4.0):
    torch.manual_seed(3)
    rows.append(draw(networks["average"], truncated_latent(8, LATENT_SIZE, psi), last_stage))
    torch.manual_seed(3)
    print(f"psi = {psi}: {variety(truncated_latent(200, LATENT_SIZE, psi)):.3f}")
torch.manual_seed(3)
latent = torch.randn(200, LATENT_SIZE, 1, 1)
print(f"z: {variety(latent):.5f}   0.5 z: {variety(0.5 * latent):.5f}")
title = "El mismo azar con psi = 0.2, 0.7 y 4"  # es
title = "The same draws with psi = 0.2, 0.7 and 4"  # en
image_grid(torch.cat(rows), title=title)

# %% [markdown] id="memory-text-es" tags=["lang-es"]
# ### ¿Memoria o invención?
#
# Arriba, imágenes generadas; debajo de cada una, la imagen de entrenamiento que más se le parece, píxel por píxel. Si el generador copiara, las parejas serían iguales. Las cifras dan la escala: la
# distancia típica al vecino más próximo del entrenamiento, para imágenes generadas y para las reales que se guardaron aparte.

# %% [markdown] id="memory-text-en" tags=["lang-en"]
# ### Memory or invention?
#
# Above, generated pictures; below each, the training picture most like it, pixel by pixel. If the generator copied, the pairs would be equal. The figures give the scale: the
# typical distance to the nearest neighbour in the training set, for generated pictures and for the real ones kept apart.

# %% id="memory" tags=["raises-exception"]
torch.manual_seed(5)
training, held_out = resize(real_images, size), resize(held_out_images, size)
generated = draw(networks["average"], torch.randn(len(held_out), LATENT_SIZE, 1, 1), last_stage).clamp(-1, 1)
distance, place = nearest_neighbours(generated, training)
held_out_distance, _ = nearest_neighbours(held_out, training)
print(f"generadas: {distance.median():.3f}   apartadas: {held_out_distance.median():.3f}")  # es
print(f"generated: {distance.median():.3f}   held out: {held_out_distance.median():.3f}")  # en
title = "Generadas, y su vecina más próxima del entrenamiento"  # es
title = "Generated, and their nearest training picture"  # en
image_grid(torch.cat([generated[:8], training[place[:8]]]), title=title)

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
# Con alpha = 0 la salida es el mapa anterior ampliado y pasado por su propia capa de color: el bloque nuevo existe, pero no cuenta. Con alpha = 1 desde el principio la salida serían las manchas de la tercera fila, casi iguales para todos los vectores y con colores fuera de rango: un bloque y una capa de color con pesos al azar. El crítico separaría lo real de lo generado sin esfuerzo, y sus gradientes grandes estropearían también las capas ya entrenadas. Si cada red llevara su alpha, el crítico compararía imágenes reales completas con imágenes a medio mezclar, o al revés: distinguiría la mezcla, que no es un defecto del generador.
# ### END SOLUTION

# %% [markdown] id="question-rate-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** `WSConv2d` con pesos de desviación 1 escalados por $c$ calcula al comienzo lo mismo que una convolución normal con pesos de desviación $c$. ¿Por qué entonces no basta
# con inicializar así una `nn.Conv2d`? Piensa en cuánto mueve Adam un peso en cada paso, en una capa con muchas entradas y en otra con pocas.

# %% [markdown] id="question-rate-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** `WSConv2d` with weights of deviation 1 scaled by $c$ computes at first the same as a normal convolution with weights of deviation $c$. Why is it not enough, then,
# to initialise an `nn.Conv2d` that way? Think of how far Adam moves a weight in each step, in a layer with many inputs and in one with few.

# %% [markdown] id="question_rate" nbgrader={"grade": true, "grade_id": "question_rate", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Adam divide el gradiente por su tamaño habitual, así que cada peso se mueve más o menos lr por paso, sea cual sea su tamaño. En la convolución normal los pesos de una capa con muchas entradas son pequeños (c pequeño) y ese mismo paso los cambia mucho en proporción; los de una capa con pocas entradas son grandes y apenas se mueven. Si todos los pesos tienen desviación 1 y se escalan al usarlos, el paso es la misma fracción de todos, y lo que cambia el peso efectivo es c veces lr: todas las capas aprenden a la misma velocidad.
# ### END SOLUTION

# %% [markdown] id="question-truncation-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** Según las cifras, $0.5\,z$ da la misma variedad que $z$, y recortar la cambia poco. Explica ambas cosas a partir de la primera capa del generador. ¿Qué le queda a un vector latente
# cuando $\psi$ es muy pequeño?

# %% [markdown] id="question-truncation-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** According to the numbers, $0.5\,z$ gives the same variety as $z$, and truncating changes it little. Explain both from the first layer of the generator. What is left of a latent vector
# when $\psi$ is very small?

# %% [markdown] id="question_truncation" nbgrader={"grade": true, "grade_id": "question_truncation", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# La primera capa es PixelNorm: divide el vector latente por su media cuadrática, así que solo importa su dirección. 0.5 z tiene la misma dirección que z y da la misma imagen. Recortar sí cambia la dirección, porque iguala los componentes grandes con los pequeños, pero después se vuelve a normalizar y el vector queda tan lejos del origen como cualquiera. Con psi muy pequeño casi todos los componentes valen psi o -psi: quedan los signos, y con 32 componentes hay 2^32 combinaciones, de sobra para que las imágenes varíen.
# ### END SOLUTION

# %% [markdown] id="question-memory-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** ¿Memoriza tu generador? Argumenta con las parejas y con las dos distancias. ¿Qué clase de copia no descubriría una distancia píxel por píxel, y qué dice de la calidad
# que las imágenes generadas queden más lejos (o más cerca) del entrenamiento que las reales guardadas aparte?

# %% [markdown] id="question-memory-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** Does your generator memorise? Argue with the pairs and with both distances. Which kind of copy would a distance pixel by pixel not discover, and what does it say about quality
# that generated pictures lie further from (or nearer to) the training set than the real ones kept apart?

# %% [markdown] id="question_memory" nbgrader={"grade": true, "grade_id": "question_memory", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Las parejas se parecen en peinado y color de piel, pero ninguna es igual: cambian el fondo y los detalles. Las generadas están más lejos del entrenamiento que las reales guardadas aparte, así que no hay señal de copia: una distancia muy pequeña la probaría. Que queden más lejos no prueba que no copie: una copia con ruido o con el fondo manchado también quedaría lejos, y tampoco se descubriría una desplazada, reflejada o con otro color de fondo. Dice también que les falta calidad: fondos manchados y rasgos borrosos que ninguna imagen real tiene.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Crecer: primero la composición, después el detalle; `steps` dice hasta dónde y $\alpha$ deja entrar cada etapa poco a poco, igual en las dos redes.
# - `WSConv2d`: pesos de desviación 1, escalados al usarlos por $\sqrt{g / (n_\text{in} k^2)}$; sesgos sin escalar.
# - `PixelNorm` en el generador, con $\epsilon$ dentro de la raíz; ninguna normalización en el crítico.
# - La desviación del lote como canal delata la falta de variedad; con la varianza entre $n$, un lote de 1 no da NaN.
# - WGAN-GP más $0.001\,\overline{D(x)^2}$; Adam con $\beta_1 = 0$; las imágenes, con un generador promediado.
# - Una imagen bonita no basta: se busca su vecina más próxima, y se compara con imágenes reales guardadas aparte.
#
# **Para seguir explorando (sin puntos).** ¿Qué pasa con una tasa de 0.001? ¿Y si se entrena a 16 × 16 desde el principio, con los mismos pasos? ¿Y sin `minibatch_std`? Prueba
# `load_faces("carpeta")` con tus propias imágenes.

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Growing: the composition first, the detail later; `steps` says how far, and $\alpha$ lets each stage in little by little, the same in both networks.
# - `WSConv2d`: weights of deviation 1, scaled when used by $\sqrt{g / (n_\text{in} k^2)}$; biases not scaled.
# - `PixelNorm` in the generator, with $\epsilon$ inside the root; no normalisation in the critic.
# - The deviation of the batch as a channel exposes a lack of variety; with the variance over $n$, a batch of 1 gives no NaN.
# - WGAN-GP plus $0.001\,\overline{D(x)^2}$; Adam with $\beta_1 = 0$; pictures from an averaged generator.
# - A pretty picture is not enough: look for its nearest neighbour, and compare with real pictures kept apart.
#
# **To explore further (no marks).** What happens with a rate of 0.001? And when training at 16 × 16 from the start, with as many steps? And without `minibatch_std`? Try
# `load_faces("folder")` with pictures of your own.

# %% id="summary"
lab.summary()
