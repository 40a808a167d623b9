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
# En el laboratorio 1 cada dato era un punto: dos números. Ahora cada dato es una **imagen** de 28 × 28 píxeles, 784 números, y la red tiene que aprender
# trazos, formas y estilos de escritura. Primero verás que la GAN de un tutorial de PyTorch muy leído (aquí, «el original»; no es la de Goodfellow et al.,
# 2014), pensada para 93 750 pasos, da una sola mancha con unos cientos; después la adaptarás a un presupuesto corto, medirás cuánto aporta cada grupo de
# cambios y la verás escribir dígitos en una CPU.
#
# Al terminar sabrás preparar imágenes para una red, mover datos entre dispositivos, evaluar una red sin entrenarla y medir imágenes generadas con métricas:
# cuántas clases cubren, con qué confianza y a qué distancia de las reales.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda plegada que les sigue: te dice enseguida cuántos puntos llevas y,
# si algo falla, qué se observó y qué probar. Puedes ejecutarla las veces que quieras. El código da 70 puntos; las preguntas abiertas del final, 30. Tus
# funciones no deben modificar lo que reciben (modos, parámetros, semillas), salvo lo que se pida, y deben servir en CPU y en GPU.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 2: a GAN that writes digits
#
# In lab 1 each sample was a point: two numbers. Now each sample is a **picture** of 28 × 28 pixels, 784 numbers, and the network has to learn strokes, shapes
# and handwriting styles. First you will see that the GAN of a widely read PyTorch tutorial (here, “the original”; it is not that of Goodfellow et al., 2014),
# meant for 93,750 steps, gives a single blob after a few hundred; then you will adapt it to a short budget, measure what each group of changes contributes, and
# see it write digits on a CPU.
#
# By the end you will be able to prepare pictures for a network, to move data between devices, to evaluate a network without training it, and to measure
# generated pictures: how many classes they cover, with what confidence, and how far they are from real ones.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the folded cell that follows: it tells you at once how many marks you have and, if
# something is wrong, what was seen and what to try. Run it as often as you like. The code gives 70 marks; the open questions at the end, 30. Your functions
# must leave what they receive unchanged (modes, parameters, seeds) unless asked otherwise, and must work on a CPU and on a GPU.

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
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms

from autograder import open_lab, plain_number
from course.budget import budget
from course.classifier import fit_digit_classifier
from course.data import Batches, load_digits
from course.device import describe_device, get_device
from course.metrics import digit_quality
from course.plots import ImageGifRecorder, class_bars, curves, histograms, image_grid, loss_panels, table
from course.training import History, LossHistory, progress

device = get_device(threads=1)

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab2_mnist_gan", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab2_mnist_gan", language="en", device=device)
print(describe_device(device))

# %% [markdown] id="identity-text-es" tags=["lang-es"]
# ## Quién entrega
#
# Escribe tu identificación y tu nombre como firma: con ella declaras que el trabajo es propio. Si entregan dos personas, completen también el segundo par; si
# trabajas a solas, déjalo vacío.

# %% [markdown] id="identity-text-en" tags=["lang-en"]
# ## Your identity
#
# Write your student id and your name as a signature: with it you declare that the work is your own. If two of you hand in together, complete the second pair
# too; if you work alone, leave it empty.

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
# `load_digits()` devuelve dígitos reales escritos a mano y dice en una línea cuáles. Sin descarga son los 1797 que trae scikit-learn (*Optical Recognition of
# Handwritten Digits*, UCI; Alpaydin y Kaynak, 1998): se escanearon con 32 × 32 píxeles y se publicaron reducidos a 8 × 8; aquí están ampliados a 20 × 20 en el
# centro de una imagen de 28 × 28, como los de MNIST, y con el trazo afilado. El nombre del archivo dice MNIST por el tutorial; estos dígitos son otros, y sus
# píxeles están interpolados a partir de los de 8 × 8. Con `load_digits("mnist")` se usan los 60 000 de **MNIST** (LeCun et al., 1998), si ya están en la
# carpeta `data` o se pueden descargar.
#
# Cada imagen llega como una matriz de enteros `uint8`: 0 es negro, 255 es blanco. Están en `digits.pixels`, y en `digits.labels`, qué dígito es cada una.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The pictures
#
# `load_digits()` returns real handwritten digits and says in one line which ones. Without a download they are the 1,797 that come with scikit-learn (*Optical
# Recognition of Handwritten Digits*, UCI; Alpaydin and Kaynak, 1998): they were scanned at 32 × 32 pixels and published reduced to 8 × 8; here they are
# enlarged to 20 × 20 in the middle of a picture of 28 × 28, like those of MNIST, and their strokes sharpened. The name of the file says MNIST because of the
# tutorial; these are other digits, and their pixels are interpolated from those of 8 × 8. With `load_digits("mnist")` the 60,000 of **MNIST** (LeCun
# et al., 1998) are used, if they are in the folder `data` already or can be downloaded.
#
# Each picture comes as a matrix of integers, `uint8`: 0 is black, 255 is white. They are in `digits.pixels`, and in `digits.labels`, which digit each one is.

# %% id="data"
digits = load_digits()
digits.pixels.shape, digits.pixels.dtype, digits.labels[:8].tolist()

# %% id="plot-data"
image_grid(digits.pixels[:32], title="Dígitos reales")  # es
image_grid(digits.pixels[:32], title="Real digits")  # en

# %% id="claim-data" tags=["active-py", "claim"]
# es: Sin descarga son los 1797 que trae scikit-learn … en el centro de una imagen de 28 × 28, …
# en: Without a download they are the 1,797 that come with scikit-learn … in the middle of a picture of 28 × 28, …
# es: Cada imagen llega como una matriz de enteros `uint8`: 0 es negro, 255 es blanco.
# en: Each picture comes as a matrix of integers, `uint8`: 0 is black, 255 is white.
assert digits.name == "scikit-learn" and digits.pixels.shape == (1797, 28, 28)
assert digits.pixels.dtype == torch.uint8
assert digits.pixels.min() == 0 and digits.pixels.max() == 255
border = torch.ones(28, 28, dtype=torch.bool)
border[4:24, 4:24] = False
assert digits.pixels[:, border].max() == 0

# %% [markdown] id="transform-text-es" tags=["lang-es"]
# ### De píxeles a la red y de vuelta (8 puntos)
#
# Una red aprende mejor con números pequeños y de ambos signos, y el generador terminará en una tangente hiperbólica, que da
# números entre $-1$ y $1$. Lo real debe estar en el mismo intervalo: si no, el discriminador los distinguiría por eso. Escribe dos funciones:
#
# - `transform(pixels)` recibe enteros de 0 a 255 de forma `(n, 28, 28)` y devuelve números de punto flotante de forma `(n, 1, 28, 28)` entre $-1$ y $1$: divide
#   entre 255, resta 0.5 y divide entre 0.5. El eje nuevo es el **canal**: una imagen en escala de grises tiene uno; una en color, tres.
# - `to_display(images)` deshace el cambio de intervalo: lleva imágenes de $[-1, 1]$ a $[0, 1]$, la forma no cambia.
#
# Pistas: `.float()` convierte enteros, `.unsqueeze(1)` inserta un eje de tamaño 1 en la posición 1.

# %% [markdown] id="transform-text-en" tags=["lang-en"]
# ### From pixels to the network and back (8 marks)
#
# A network learns better from small numbers of both signs, and the generator will end in a hyperbolic tangent, which gives numbers
# between $-1$ and $1$. What is real has to lie in the same interval: if not, the discriminator could tell them apart by that. Write two functions:
#
# - `transform(pixels)` takes integers from 0 to 255 of shape `(n, 28, 28)` and returns floating point numbers of shape `(n, 1, 28, 28)` between $-1$ and $1$:
#   divide by 255, subtract 0.5 and divide by 0.5. The new axis is the **channel**: a greyscale picture has one, a colour picture three.
# - `to_display(images)` undoes the change of interval: it takes pictures from $[-1, 1]$ to $[0, 1]$, the shape stays.
#
# Hints: `.float()` converts integers, `.unsqueeze(1)` inserts an axis of size 1 at position 1.

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
        lab.supplied_pixels(("n", 28, 28)),
        shape=("n", 1, 28, 28),
        low=-1.0,
        high=1.0,
        rounded=True,
        points=5,
    )
    checks.fingerprint(
        "transform.display",
        to_display,
        lab.supplied_images(("n", 1, 28, 28)),
        shape=("n", 1, 28, 28),
        rounded=True,
        points=3,
    )
checks.score

# %% id="real-images" tags=["raises-exception"]
real_images = transform(digits.pixels)  # (n, 1, 28, 28)
real_images.shape, real_images.min().item(), real_images.max().item()

# %% [markdown] id="values-text-es" tags=["lang-es"]
# Los mismos píxeles, tres veces: como llegan, para la red y para mostrar. Solo cambia la escala. La barra más alta es el fondo negro (el eje vertical es
# logarítmico): para la red ya no vale 0 sino $-1$, y sus pesos en la primera capa también reciben gradiente.

# %% [markdown] id="values-text-en" tags=["lang-en"]
# The same pixels three times: as they come, for the network, and for display. Only the scale changes. The tallest bar is the black background (the vertical
# axis is logarithmic): for the network it is no longer 0 but $-1$, and its weights in the first layer get a gradient too.

# %% id="plot-values" tags=["raises-exception"]
shades = {"digits.pixels": digits.pixels, "transform": real_images, "to_display": to_display(real_images)}
histograms(shades, xlabel="valor de un píxel", ylabel="recuento", log_counts=True, title="Los mismos píxeles, en tres escalas")  # es
histograms(shades, xlabel="value of a pixel", ylabel="count", log_counts=True, title="The same pixels, on three scales")  # en

# %% id="claim-values" tags=["active-py", "claim"]
# es: Los mismos píxeles, tres veces: como llegan, para la red y para mostrar.
# en: The same pixels three times: as they come, for the network, and for display.
# es: Solo cambia la escala.
# en: Only the scale changes.
# es: La barra más alta es el fondo negro (el eje vertical es logarítmico): para la red ya no vale 0 sino $-1$, …
# en: The tallest bar is the black background (the vertical axis is logarithmic): for the network it is no longer 0 but $-1$, …
# of: title
# es: Ahora cada dato es una **imagen** de 28 × 28 píxeles, 784 números, …
# en: Now each sample is a **picture** of 28 × 28 pixels, 784 numbers, …
assert real_images[0].shape == (1, 28, 28) and real_images[0].numel() == 784
assert torch.equal(shades["transform"].flatten().argsort(stable=True), digits.pixels.flatten().argsort(stable=True))
assert (255 * shades["to_display"].squeeze(1) - digits.pixels).abs().max() < 1e-3
heights = torch.histc(real_images, 60, -1, 1)
assert heights.argmax() == 0
assert real_images.min() == -1 and (real_images[digits.pixels.unsqueeze(1) == 0] == -1).all()

# %% [markdown] id="torchvision-text-es" tags=["lang-es"]
# ### Lo mismo con torchvision
#
# Casi siempre verás este paso escrito con **torchvision**, la biblioteca de imágenes de PyTorch. `ToTensor()` lleva enteros de 0 a 255 a números entre 0 y 1
# y pone el canal; `Normalize((0.5,), (0.5,))` resta 0.5 y divide entre 0.5, con un número por canal; `Compose` hace una cosa después de la otra. La
# diferencia con tu `transform`, en todas las imágenes, es como mucho un error de redondeo:

# %% [markdown] id="torchvision-text-en" tags=["lang-en"]
# ### The same with torchvision
#
# Most often you will see this step written with **torchvision**, PyTorch's image library. `ToTensor()` takes integers from 0 to 255 to numbers between 0 and 1
# and adds the channel; `Normalize((0.5,), (0.5,))` subtracts 0.5 and divides by 0.5, with one number per channel; `Compose` does one after the other. Its
# difference from your `transform`, over all pictures, is a rounding error at most:

# %% id="torchvision" tags=["raises-exception"]
to_network = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])
by_torchvision = torch.stack([to_network(pixels) for pixels in digits.pixels.numpy()])  # (n, 1, 28, 28)
(by_torchvision - real_images).abs().max().item()

# %% id="claim-torchvision" tags=["active-py", "claim"]
# es: La diferencia con tu `transform`, en todas las imágenes, es como mucho un error de redondeo:
# en: Its difference from your `transform`, over all pictures, is a rounding error at most:
assert by_torchvision.shape == real_images.shape
assert (by_torchvision - real_images).abs().max() < 1e-6

# %% [markdown] id="loader-text-es" tags=["lang-es"]
# El propio MNIST viene de `torchvision.datasets`, que la primera vez lo descarga, y los lotes (*batch*) salen de un `DataLoader`:
#
# ```python
# train_set = torchvision.datasets.MNIST("data", train=True, download=True, transform=to_network)
# train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
# ```
#
# Así se transforma cada imagen cada vez que hace falta. Aquí caben todas en la memoria, ya transformadas, y basta con cortar lotes: eso hace `Batches`.
# Entrega lo mismo que un `DataLoader` con `shuffle=True`, en otro orden al azar, y sin ir a buscar las imágenes una por una.

# %% [markdown] id="loader-text-en" tags=["lang-en"]
# MNIST itself comes from `torchvision.datasets`, which downloads it the first time, and batches (*lote*) come from a `DataLoader`:
#
# ```python
# train_set = torchvision.datasets.MNIST("data", train=True, download=True, transform=to_network)
# train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
# ```
#
# So each picture is transformed each time that it is needed. Here all of them fit into memory, transformed already, and cutting batches will do: that is what
# `Batches` does. It gives what a `DataLoader` with `shuffle=True` gives, in another random order, and without fetching pictures one by one.

# %% id="loader" tags=["raises-exception"]
loader = DataLoader(TensorDataset(real_images, digits.labels), batch_size=32, shuffle=True)
batches = Batches(real_images, digits.labels, batch_size=32)
for name, source in (("DataLoader", loader), ("Batches", batches)):
    images, labels = next(iter(source))  # (32, 1, 28, 28), (32,)
    print(f"{name:10}  {len(source)} × {tuple(images.shape)}  {images.dtype}  {labels[:8].tolist()} …")

# %% id="claim-loader" tags=["active-py", "claim"]
# es: Entrega lo mismo que un `DataLoader` con `shuffle=True`, en otro orden al azar, …
# en: It gives what a `DataLoader` with `shuffle=True` gives, in another random order, …
assert len(loader) == len(batches)
first, second = list(loader), list(batches)
assert [len(images) for images, _ in first] == [len(images) for images, _ in second]
assert [images.dtype for images, _ in first] == [images.dtype for images, _ in second]
sums = [torch.cat([images.sum((1, 2, 3)) + 1000 * labels for images, labels in each]).sort().values for each in (first, second)]
assert torch.allclose(sums[0], sums[1])
assert not torch.equal(first[0][1], second[0][1])

# %% [markdown] id="discriminator-text-es" tags=["lang-es"]
# ## 2. Las redes del tutorial
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
# ## 2. The tutorial's networks
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
        input_shape=(1, 28, 28),
        output_shape=(1,),
        parameters=1_460_225,
        points=3,
    )
    checks.network_output(
        "discriminator.output", Discriminator, input_shape=(1, 28, 28), low=0.0, high=1.0, points=3
    )
    checks.dropout("discriminator.dropout", Discriminator, input_shape=(1, 28, 28), points=3)
checks.score

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ### El generador (7 puntos)
#
# Recorre el camino contrario: de un vector latente de **100** números a una imagen. Capas lineales de 256, 512 y 1024 neuronas, cada
# una con ReLU; una salida lineal de 784 con **tanh**; y al final `forward` da a cada fila la forma de una imagen: `(n, 1, 28, 28)`.
#
# ¿Por qué tanh? Porque deja cada píxel entre $-1$ y $1$, el intervalo de las imágenes reales. En otros códigos verás `nn.Flatten()` y
# `nn.Unflatten(1, (1, 28, 28))`, dos capas que hacen lo que aquí hace `view`.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ### The generator (7 marks)
#
# It goes the other way: from a latent vector of **100** numbers to a picture. Linear layers of 256, 512 and 1024 units, each with
# ReLU; a linear output of 784 with **tanh**; and in the end `forward` gives each row the shape of a picture: `(n, 1, 28, 28)`.
#
# Why tanh? Because it leaves each pixel between $-1$ and $1$, the interval of the real pictures. In other code you will see `nn.Flatten()` and
# `nn.Unflatten(1, (1, 28, 28))`, two layers that do what `view` does here.

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
        input_shape=(100,),
        output_shape=(1, 28, 28),
        parameters=1_486_352,
        points=3,
    )
    checks.network_output(
        "generator.output", Generator, input_shape=(100,), training=True, low=-1.0, high=1.0, points=4
    )
checks.score

# %% [markdown] id="discriminator-step-text-es" tags=["lang-es"]
# ## 3. Los pasos de entrenamiento
# ### El paso del discriminador (10 puntos)
#
# El mismo paso del laboratorio 1, ahora con imágenes. Lo que cambia: los vectores latentes son de forma `(n, 100)`. Todo tensor nuevo
# se crea en el dispositivo de las imágenes reales: escribe `device=real_images.device`, no `"cpu"` ni `"cuda"`, y el mismo código corre en ambos.
#
# 1. `n = len(real_images)`: el último lote puede ser más corto;
# 2. `n` imágenes generadas, separadas con `.detach()`;
# 3. etiquetas `(n, 1)`: unos para lo real, ceros para lo generado; une lo real y lo generado con `torch.cat`;
# 4. `zero_grad()`, la pérdida (*loss*) con `loss_function(salida, etiquetas)`, `backward()`, `step()`; devuelve la pérdida.
#
# En otros códigos verás 0.9 en lugar de 1 para lo real: es el **suavizado de etiquetas** (*label smoothing*; Salimans et al., 2016), que castiga a $D$ por estar
# demasiado seguro. Aquí no se usa.

# %% [markdown] id="discriminator-step-text-en" tags=["lang-en"]
# ## 3. The training steps
# ### The discriminator step (10 marks)
#
# The same step as in lab 1, now with pictures. What changes: the latent vectors have shape `(n, 100)`. Every new tensor is created on
# the device of the real pictures: write `device=real_images.device`, not `"cpu"` nor `"cuda"`, and the same code runs on both.
#
# 1. `n = len(real_images)`: the last batch may be shorter;
# 2. `n` generated pictures, cut off with `.detach()`;
# 3. labels `(n, 1)`: ones for what is real, zeros for what is generated; join real and generated ones with `torch.cat`;
# 4. `zero_grad()`, the loss (*pérdida*) with `loss_function(output, labels)`, `backward()`, `step()`; return the loss.
#
# In other code you will see 0.9 in place of 1 for what is real: this is **label smoothing** (Salimans et al., 2016), which punishes $D$ for being too sure. It
# is not used here.

# %% id="discriminator_step" nbgrader={"grade": false, "grade_id": "discriminator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(discriminator, generator, optimizer_discriminator, loss_function, real_images):
    """es: Un paso de entrenamiento del discriminador; devuelve su pérdida."""
    """en: One training step of the discriminator; returns its loss."""
    ### BEGIN SOLUTION
    n, device = len(real_images), real_images.device
    latent_samples = torch.randn((n, 100), device=device)  # (n, 100)
    generated_images = generator(latent_samples).detach()  # (n, 1, 28, 28)
    all_images = torch.cat([real_images, generated_images])  # (2n, 1, 28, 28)
    labels = torch.cat([torch.ones(n, 1, device=device), torch.zeros(n, 1, device=device)])  # (2n, 1)

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
# As in lab 1 too: `batch_size` new latent vectors of shape `(batch_size, 100)`, their pictures **without** `.detach()`, and labels of **ones**, because the
# generator wants the discriminator to say “real”. To find the device: `next(generator.parameters()).device`.

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
# El ciclo ya lo escribiste en el laboratorio 1; aquí está completo. La pérdida `nn.BCELoss()` es la entropía cruzada binaria: $-\ln p$ donde la etiqueta es 1,
# $-\ln(1 - p)$ donde es 0, en promedio. Una **época** es una vuelta por todas las imágenes. Fíjate en el único lugar donde los datos pasan al dispositivo, y en
# los dos lugares donde el ciclo puede llamar a otra función: después de cada paso y al final de cada época.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# You wrote the loop in lab 1; here it is complete. The loss `nn.BCELoss()` is the binary cross-entropy: $-\ln p$ where the label is 1,
# $-\ln(1 - p)$ where it is 0, on average. An **epoch** is one round through all pictures. Look at the only place where the data go to the device, and at
# the two places where the loop may call another function: after each step, and at the end of each epoch.

# %% id="train"
def train(
    discriminator, generator, optimizers, batches, num_epochs, on_step_end=None, on_epoch_end=None
):
    """es: Entrena ambas redes; devuelve el historial de pérdidas."""
    """en: Train both networks; return the history of losses."""
    history = LossHistory()
    loss_function = nn.BCELoss()
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
            if on_step_end is not None:
                on_step_end(generator)
        if on_epoch_end is not None:
            on_epoch_end(epoch, discriminator, generator)
    return history

# %% id="claim-loss" tags=["active-py", "claim"]
# es: La pérdida `nn.BCELoss()` es la entropía cruzada binaria: $-\ln p$ donde la etiqueta es 1, $-\ln(1 - p)$ donde es 0, en promedio.
# en: The loss `nn.BCELoss()` is the binary cross-entropy: $-\ln p$ where the label is 1, $-\ln(1 - p)$ where it is 0, on average.
p = torch.tensor([[0.9], [0.2]])
by_hand = (-math.log(0.9) - math.log(1 - 0.2)) / 2
assert abs(nn.BCELoss()(p, torch.tensor([[1.0], [0.0]])) - by_hand) < 1e-6

# %% [markdown] id="generate-text-es" tags=["lang-es"]
# ## 4. Evaluar sin entrenar
# ### Imágenes nuevas (6 puntos)
#
# Mirar una red no debe cambiarla. Dropout (Srivastava et al., 2014) y normalización por lotes (*batch normalisation*; la verás en la sección 6) se comportan de
# forma distinta al entrenar (`train()`) y al usar la red (`eval()`), así que antes de usarla se pasa a modo eval, y después **se vuelve al modo en que
# estaba**. En modo `train()`, la imagen de un vector latente dependería de los demás vectores del lote, y generar cambiaría las medias que la red guarda.
# Escribe `generate(generator, num_images)`:
#
# 1. recuerda `generator.training` y llama a `generator.eval()`;
# 2. dentro de `torch.no_grad()`, genera `num_images` imágenes de vectores latentes `torch.randn((num_images, 100), device=...)`;
# 3. vuelve al modo de antes con `generator.train(...)` y devuelve las imágenes en la CPU.

# %% [markdown] id="generate-text-en" tags=["lang-en"]
# ## 4. Evaluating without training
# ### New pictures (6 marks)
#
# Looking at a network must not change it. Dropout (Srivastava et al., 2014) and batch normalisation (*normalización por lotes*; you will see it in section 6)
# behave differently in training (`train()`) and in use (`eval()`), so before it is used the network goes to eval mode, and afterwards **back to the mode it was
# in**. In `train()` mode the picture of a latent vector would depend on the other vectors of the batch, and generating would change the means that the network
# keeps. Write `generate(generator, num_images)`:
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
        "generate.images",
        generate,
        small_generator,
        lab.supplied_size("num_images"),
        shape=("num_images", 1, 28, 28),
        detached=True,
        on_cpu=True,
        points=6,
    )
checks.score

# %% [markdown] id="score-text-es" tags=["lang-es"]
# ### ¿Qué cree el discriminador? (5 puntos)
#
# $D(x)$ cerca de 1 y $D(G(z))$ cerca de 0 significan que el discriminador gana; qué enseña entonces al generador, lo verás en la sección 5. Escribe
# `mean_score(discriminator, images)`: la media de las salidas del discriminador para esas imágenes, como **número de Python**, en modo eval; al terminar,
# devuelve la red al modo en que estaba. El gradiente no hace falta: `torch.no_grad()`.

# %% [markdown] id="score-text-en" tags=["lang-en"]
# ### What does the discriminator believe? (5 marks)
#
# $D(x)$ near 1 and $D(G(z))$ near 0 mean that the discriminator wins; what it then teaches the generator, you will see in section 5. Write
# `mean_score(discriminator, images)`: the mean of the discriminator's outputs for those pictures, as a **Python number**, in eval mode; restore the mode
# afterwards. Gradients are not needed: `torch.no_grad()`.

# %% id="mean_score" nbgrader={"grade": false, "grade_id": "mean_score", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_score(discriminator, images):
    """es: Media de las salidas del discriminador, sin dropout."""
    """en: Mean output of the discriminator, without dropout."""
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
    small_batches = [lab.supplied_images(("n", 1, 28, 28), f"images {turn}") for turn in range(4)]
    cases = [(small_discriminator, images) for images in small_batches]
    checks.scalars("mean_score.values", plain_number(mean_score), cases, points=5)
checks.score

# %% [markdown] id="ruler-text-es" tags=["lang-es"]
# ### La vara de medir
#
# Para no decir solo «se ve bien», una red pequeña aprende a **reconocer** dígitos en unos segundos: se ajusta con cuatro quintos de las imágenes y su exactitud
# (*accuracy*) se mide en el quinto restante. (`digits.images` son las imágenes en $[-1, 1]$ que prepara la biblioteca: así la vara no depende de tu
# `transform`.) Con ella medimos tantas imágenes generadas como la mitad de las reales, a lo sumo mil (898 con los dígitos de scikit-learn):
#
# - **clases**: cuántos de los diez dígitos aparecen en al menos el 1 % de las imágenes. Un generador colapsado da pocas;
# - **confianza**: qué tan segura está la red de lo que ve, es decir, la media de la mayor de sus diez probabilidades; en dígitos reales, cerca de 1;
# - **distancia** de Fréchet entre las características (*features*) de lo generado y de lo real, los 32 números con que la red describe una imagen antes de
#   decidir: 0 si las distribuciones tienen la misma media y la misma covarianza. Es la idea del FID (Heusel et al., 2017), con nuestro clasificador en vez de
#   Inception; por eso solo compara cosas medidas con esta misma vara.
#
# La primera medida es la de los dígitos reales contra otros reales: lo que cabe esperar de imágenes nuevas, con la salvedad de que el clasificador se ajustó
# con la mayoría de esos dígitos. Quien copiara los de referencia tendría menos, casi 0: la distancia no ve la memorización.

# %% [markdown] id="ruler-text-en" tags=["lang-en"]
# ### The yardstick
#
# So as not to say just “it looks good”, a small network learns to **recognise** digits in a few seconds: it is fitted to four fifths of the pictures, and its
# accuracy (*exactitud*) is measured on the remaining fifth. (`digits.images` are the pictures in $[-1, 1]$ that the library prepares: so the yardstick does not
# depend on your `transform`.) With it we measure half as many generated pictures as there are real ones, a thousand at most (898 with scikit-learn's digits):
#
# - **classes**: how many of the ten digits at least 1 % of the pictures show. A collapsed generator gives few;
# - **confidence**: how sure the network is of what it sees, that is, the mean of the greatest of its ten probabilities; for real digits, close to 1;
# - Fréchet **distance** between the features (*características*) of generated and of real pictures, the 32 numbers by which the network describes a picture
#   before it decides: 0 if the distributions have the same mean and the same covariance. It is the idea of the FID (Heusel et al., 2017), with our classifier
#   in place of Inception; so it only compares things measured with this same yardstick.
#
# The first measurement is that of real digits against other real ones: what can be expected of new pictures, with the reservation that the classifier was
# fitted to most of these digits. Copying the ones of reference would give less, nearly 0: the distance does not see memorisation.

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

# %% id="claim-ruler" tags=["active-py", "claim"]
# es: (`digits.images` son las imágenes en $[-1, 1]$ que prepara la biblioteca: …
# en: (`digits.images` are the pictures in $[-1, 1]$ that the library prepares: …
# es: Con ella medimos … a lo sumo mil (898 con los dígitos de scikit-learn):
# en: With it we measure … a thousand at most (898 with scikit-learn's digits):
# es: **distancia** de Fréchet … los 32 números con que la red describe una imagen antes de decidir: …
# en: Fréchet **distance** … the 32 numbers by which the network describes a picture before it decides: …
# es: Quien copiara los de referencia tendría menos, casi 0: la distancia no ve la memorización.
# en: Copying the ones of reference would give less, nearly 0: the distance does not see memorisation.
# es: **confianza**: … en dígitos reales, cerca de 1;
# en: **confidence**: … for real digits, close to 1;
assert half == 898
assert classifier.accuracy > 0.97
assert real_quality.classes == 10 and real_quality.confidence > 0.9 and real_quality.distance < 0.3
assert torch.allclose(digits.images, real_images, atol=1e-6)
assert classifier.features(real_images[:2]).shape == (2, 32)
assert digit_quality(shuffled[:half], shuffled[:half], classifier).distance < real_quality.distance / 5

# %% [markdown] id="measure-text-es" tags=["lang-es"]
# Comparar generadores es justo si todos reciben lo mismo. `same_latents` usa siempre los mismos vectores latentes y deja como estaba el azar del entrenamiento;
# `recorder` anotará, al final de cada época, qué cree el discriminador.

# %% [markdown] id="measure-text-en" tags=["lang-en"]
# Generators are compared fairly if all of them get the same. `same_latents` takes the same latent vectors each time and leaves the random numbers of the training as
# they were; `recorder` will note, at the end of each epoch, what the discriminator believes.

# %% id="measure"
def same_latents(generator, num_images):
    """es: Imágenes de los mismos vectores latentes, sea cual sea el generador."""
    """en: Pictures of the same latent vectors, whatever the generator."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return generate(generator, num_images)  # (num_images, 1, 28, 28)


def measure(generator):
    """es: Mide tantas imágenes generadas como reales se midieron."""
    """en: Measure as many generated pictures as real ones were measured."""
    return digit_quality(same_latents(generator, half), shuffled[:half], classifier)


def recorder(scores):
    """es: Una función para `on_epoch_end`: anota D(x) y D(G(z))."""
    """en: A function for `on_epoch_end`: it notes D(x) and D(G(z))."""

    def record(epoch, discriminator, generator):
        images = same_latents(generator, 128).to(device)  # (128, 1, 28, 28)
        scores.record(
            real=mean_score(discriminator, real_images[:128].to(device)),
            generated=mean_score(discriminator, images),
        )

    return record


def metrics(quality):
    """es: Las tres métricas, como entradas de una tabla."""
    """en: The three metrics, as entries of a table."""
    return quality.classes, f"{quality.confidence:.2f}", f"{quality.distance:.2f}"

# %% id="claim-same-latents" tags=["active-py", "claim"]
# es: `same_latents` usa siempre los mismos vectores latentes y deja como estaba el azar del entrenamiento; …
# en: `same_latents` takes the same latent vectors each time and leaves the random numbers of the training as they were; …
fresh, state = Generator().to(device), torch.get_rng_state()
assert torch.equal(same_latents(fresh, 3), same_latents(fresh, 3))
assert torch.equal(torch.get_rng_state(), state)

# %% [markdown] id="original-text-es" tags=["lang-es"]
# ## 5. El original, con un presupuesto corto
#
# Así se entrenaba: lotes de 32 y Adam (Kingma y Ba, 2015), que mueve cada parámetro según la media de sus gradientes pasados, dividida entre la raíz de la
# media de los cuadrados, con `lr=0.0001`. El tutorial da 50 vueltas por las 60 000 imágenes de MNIST: son 93 750 pasos, que en una CPU tardan mucho; una GPU,
# que hace miles de multiplicaciones a la vez, ayuda. ¿Y con 399 pasos, 7 vueltas por los dígitos pequeños? (`budget` dice cuántos se dan, según dónde corra el
# cuaderno.)

# %% [markdown] id="original-text-en" tags=["lang-en"]
# ## 5. The original, on a short budget
#
# This is how it was trained: batches of 32 and Adam (Kingma and Ba, 2015), which moves each parameter by the mean of its past gradients, divided by the root of
# the mean of their squares, with `lr=0.0001`. The tutorial goes 50 times through the 60,000 pictures of MNIST: 93,750 steps, which take long on a CPU; a GPU,
# which does thousands of multiplications at once, helps. And with 399 steps, 7 rounds through the small digits? (`budget` says how many there are, depending on
# where the notebook runs.)

# %% id="short-run"
def original_optimizers(discriminator, generator):
    """es: Los optimizadores del tutorial; con `fused`, los mismos pasos en menos tiempo."""
    """en: The optimisers of the tutorial; with `fused`, the same steps in less time."""
    networks = (discriminator, generator)
    return [torch.optim.Adam(network.parameters(), lr=0.0001, fused=True) for network in networks]


def new_run(discriminator_class, generator_class, optimizers_of):
    """es: Redes nuevas, siempre de la misma semilla, y sus optimizadores."""
    """en: New networks, always from the same seed, and their optimisers."""
    torch.manual_seed(111)
    discriminator, generator = discriminator_class().to(device), generator_class().to(device)
    return discriminator, generator, optimizers_of(discriminator, generator)

# %% id="run-original" tags=["raises-exception"]
short_epochs = math.ceil(budget(cpu=399, cuda=399, grading=1, device=device) / len(batches))
original = new_run(Discriminator, Generator, original_optimizers)
original_discriminator, original_generator, _ = original
untrained_images = same_latents(original_generator, half)  # (half, 1, 28, 28)
original_scores = History("real", "generated")
original_history = train(*original, batches, short_epochs, on_epoch_end=recorder(original_scores))
steps = len(original_history)

# %% [markdown] id="deviation-text-es" tags=["lang-es"]
# Ocho imágenes reales, ocho del generador sin entrenar y ocho del entrenado. En la última columna, cuánto varía cada píxel de una imagen a otra (su
# desviación): negro es nada.

# %% [markdown] id="deviation-text-en" tags=["lang-en"]
# Eight real pictures, eight of the untrained generator and eight of the trained one. In the last column, how much each pixel varies from picture to picture
# (its deviation): black is nothing.

# %% id="plot-original" tags=["raises-exception"]
def with_deviation(images):
    """es: Ocho imágenes y la desviación de cada píxel entre todas."""
    """en: Eight pictures, and each pixel's deviation over all of them."""
    deviation = images.std(dim=0, keepdim=True)  # (1, 1, 28, 28)
    return torch.cat([images[:8], 2 * deviation - 1])  # (9, 1, 28, 28)


original_images = same_latents(original_generator, half)  # (half, 1, 28, 28)
shown = torch.cat([with_deviation(each) for each in (shuffled[:half], untrained_images, original_images)])
above = [""] * 8 + ["variación"]  # es
above = [""] * 8 + ["variation"]  # en
image_grid(shown, columns=9, title="El generador del tutorial", rows=["reales", "0 pasos", f"{steps} pasos"], above=above)  # es
image_grid(shown, columns=9, title="The tutorial's generator", rows=["real", "0 steps", f"{steps} steps"], above=above)  # en

# %% id="curves-original" tags=["raises-exception"]
loss_panels({f"{steps} pasos": original_history}, title="Pérdidas del original")  # es
loss_panels({f"{steps} steps": original_history}, title="Losses of the original")  # en

# %% id="quality-original" tags=["raises-exception"]
original_quality = measure(original_generator)
by_epoch = list(zip(original_scores.real, original_scores.generated, strict=True))
for epoch, (real, generated) in enumerate(by_epoch, start=1):
    print(f"época {epoch}: D(x) = {real:.2f}  D(G(z)) = {generated:.2f}")  # es
    print(f"epoch {epoch}: D(x) = {real:.2f}  D(G(z)) = {generated:.2f}")  # en
print("generadas:", original_quality)  # es
print("generated:", original_quality)  # en

# %% [markdown] id="collapse-text-es" tags=["lang-es"]
# **¿Colapso?** Todas las imágenes son casi la misma mancha: de una a otra casi nada varía. Las métricas lo dicen: una o dos clases y una distancia enorme.
# Cuidado con la confianza: puede ser alta, porque el clasificador siempre elige algo. Con algunas semillas supera la de los dígitos reales.
#
# ¿Colapsó, o le faltan pasos? Todavía no se sabe: la red sin entrenar ya daba casi la misma imagen para todos los vectores latentes, así que no perdió
# variedad; aún no la tenía. Al final de la sección 6 le daremos más pasos.
#
# ¿Qué pasó hasta aquí? Una mancha es fácil de distinguir de un dígito: durante buena parte del entrenamiento, $D(x)$ queda por encima de 0.7 y $D(G(z))$ por
# debajo de 0.4. Sea $a$ lo que $D$ calcula antes de su sigmoide $\sigma$, el **logit**. Con etiquetas iguales a 1, el gradiente de la pérdida de $G$ respecto a
# $a$ es $\sigma(a) - 1$: cuando $D$ rechaza la imagen vale casi $-1$, no se apaga (el que se apaga es el de $\ln(1 - \sigma(a))$, que vale $-\sigma(a)$). Es
# fuerte, pero dice poco sobre **cómo** mejorar: un discriminador casi perfecto da al generador gradientes inestables, de gran varianza (Arjovsky y Bottou,
# 2017). Además, $D$ mira las imágenes una a una, y nada pide a las de un lote que sean distintas entre sí (Salimans et al., 2016).

# %% [markdown] id="collapse-text-en" tags=["lang-en"]
# **Collapse?** All pictures are nearly the same blob: from one to the next hardly anything varies. The metrics say so: one or two classes and a huge distance.
# Beware of the confidence: it may be high, because the classifier always chooses something. With some seeds it is above that of real digits.
#
# Did it collapse, or does it just need more steps? That is not known yet: the untrained network gave nearly the same picture for all latent vectors already, so
# it has not lost variety; it did not have any so far. At the end of section 6 we will give it more steps.
#
# What has happened so far? A blob is easy to tell from a digit: for a good part of the training, $D(x)$ stays above 0.7 and $D(G(z))$ below 0.4. Let $a$ be
# what $D$ computes before its sigmoid $\sigma$, the **logit**. With labels of 1, the gradient of the loss of $G$ with respect to $a$ is $\sigma(a) - 1$: where
# $D$ rejects the picture it is nearly $-1$ and does not vanish (the one that vanishes is that of $\ln(1 - \sigma(a))$, which is $-\sigma(a)$). It is strong,
# but says little about **how** to improve: a discriminator that is nearly perfect gives the generator unstable gradients, of great variance (Arjovsky and
# Bottou, 2017). Besides, $D$ looks at pictures one by one, and nothing asks those of a batch to differ from each other (Salimans et al., 2016).

# %% id="claim-collapse" tags=["active-py", "claim"]
# es: Todas las imágenes son casi la misma mancha: de una a otra casi nada varía.
# en: All pictures are nearly the same blob: from one to the next hardly anything varies.
# es: Las métricas lo dicen: una o dos clases y una distancia enorme.
# en: The metrics say so: one or two classes and a huge distance.
# es: Cuidado con la confianza: puede ser alta, porque el clasificador siempre elige algo.
# en: Beware of the confidence: it may be high, because the classifier always chooses something.
# es: Todavía no se sabe: la red sin entrenar ya daba casi la misma imagen para todos los vectores latentes, así que no perdió variedad; aún no la tenía.
# en: That is not known yet: the untrained network gave nearly the same picture for all latent vectors already, so it has not lost variety; it did not have any so far.
# of: title
# es: Primero verás que la GAN de un tutorial de PyTorch muy leído …, pensada para 93 750 pasos, da una sola mancha con unos cientos; …
# en: First you will see that the GAN of a widely read PyTorch tutorial …, meant for 93,750 steps, gives a single blob after a few hundred; …
between_generated, between_untrained, between_real = (
    each.std(dim=0).mean() for each in (original_images, untrained_images, shuffled[:half])
)
assert between_generated < between_real / 2
assert between_untrained < between_real / 5
assert original_quality.classes <= 2 and 200 < steps < 1000 and 50 * 60_000 / 32 == 93_750
assert original_quality.distance > 50 * real_quality.distance
assert original_quality.confidence > 0.4

# %% id="claim-confidence" tags=["active-py", "claim", "seed-dependent"]
# es: Con algunas semillas supera la de los dígitos reales.
# en: With some seeds it is above that of real digits.
assert original_quality.confidence > real_quality.confidence

# %% id="claim-ahead" tags=["active-py", "claim"]
# es: Una mancha es fácil de distinguir de un dígito: durante buena parte del entrenamiento, $D(x)$ queda por encima de 0.7 y $D(G(z))$ por debajo de 0.4.
# en: A blob is easy to tell from a digit: for a good part of the training, $D(x)$ stays above 0.7 and $D(G(z))$ below 0.4.
assert len(by_epoch) == short_epochs
assert sum(real > 0.7 and generated < 0.4 for real, generated in by_epoch) >= short_epochs / 2

# %% id="claim-logit" tags=["active-py", "claim"]
# es: Con etiquetas iguales a 1, el gradiente de la pérdida de $G$ respecto a $a$ es $\sigma(a) - 1$: cuando $D$ rechaza la imagen vale casi $-1$, no se apaga (el que se apaga es el de $\ln(1 - \sigma(a))$, que vale $-\sigma(a)$).
# en: With labels of 1, the gradient of the loss of $G$ with respect to $a$ is $\sigma(a) - 1$: where $D$ rejects the picture it is nearly $-1$ and does not vanish (the one that vanishes is that of $\ln(1 - \sigma(a))$, which is $-\sigma(a)$).
logits = torch.tensor([-6.0, 0.3, 2.0], dtype=torch.float64, requires_grad=True)
(of_ones,) = torch.autograd.grad(nn.BCELoss(reduction="sum")(logits.sigmoid(), torch.ones(3).double()), logits)
(of_minimax,) = torch.autograd.grad(torch.log(1 - logits.sigmoid()).sum(), logits)
assert (of_ones - (logits.sigmoid() - 1)).abs().max() < 1e-9
assert (of_minimax + logits.sigmoid()).abs().max() < 1e-9
assert of_ones[0] < -0.99 and abs(of_minimax[0]) < 0.01

# %% [markdown] id="better-generator-text-es" tags=["lang-es"]
# ## 6. La reparación: adaptarla a pocos pasos
# ### Un generador que empieza con variedad (7 puntos)
#
# Dos cambios conocidos (Ioffe y Szegedy, 2015; Radford et al., 2016); que la red sea también más pequeña lo decidimos nosotros:
#
# - **normalización por lotes** después de cada capa lineal oculta: centra y escala cada neurona con la media y la desviación del lote, y después la multiplica
#   por una ganancia y le suma un sesgo (*bias*), que se aprenden. Al comienzo, los valores de cada neurona quedan a ambos lados de 0, y en modo `train()` las
#   imágenes de vectores latentes distintos ya difieren entre sí. Según el artículo, ayuda a que el generador no lleve todas las muestras a un mismo punto;
# - **LeakyReLU** con pendiente 0.2 en vez de ReLU: con entradas negativas también pasa algo de gradiente. Una neurona cuya ReLU recibe valores negativos con
#   todas las muestras no deja pasar ninguno, y puede quedarse así: «muere». (El artículo pone LeakyReLU en el discriminador y deja ReLU en el generador; aquí
#   va en ambos.)
#
# Escribe `BetterGenerator`: lineales 100 → 128 → 256 → 512, cada una seguida de `nn.BatchNorm1d` y `nn.LeakyReLU(0.2)`, **en ese orden**; después lineal → 784
# con tanh, **sin** normalización en la salida: aplicada a todas las capas, según el mismo artículo, las muestras oscilan y el modelo se vuelve inestable.

# %% [markdown] id="better-generator-text-en" tags=["lang-en"]
# ## 6. The repair: adapting it to few steps
# ### A generator that starts with variety (7 marks)
#
# Two well-known changes (Ioffe and Szegedy, 2015; Radford et al., 2016); that the network is smaller too is our own choice:
#
# - **batch normalisation** after each hidden linear layer: it centres and scales each unit by mean and deviation of the batch, then multiplies it by a gain and
#   adds a bias (*sesgo*), both of them learned. At the beginning, the values of each unit lie on both sides of 0, and in `train()` mode the pictures of
#   different latent vectors differ already. According to the paper, it helps to keep the generator from taking all samples to one point;
# - **LeakyReLU** with slope 0.2 in place of ReLU: some gradient gets through for negative inputs too. A unit whose ReLU receives negative values for all
#   samples lets none through, and may stay so: it “dies”. (The paper has LeakyReLU in the discriminator, and ReLU in the generator; here both have it.)
#
# Write `BetterGenerator`: linear 100 → 128 → 256 → 512, each followed by `nn.BatchNorm1d` and `nn.LeakyReLU(0.2)`, **in that order**; then linear → 784 with
# tanh, **without** normalisation at the output: applied to all layers, the same paper says, it makes samples oscillate and the model unstable.

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
        input_shape=(100,),
        output_shape=(1, 28, 28),
        parameters=581_520,
        points=2,
    )
    checks.network_output(
        "better_generator.training", BetterGenerator, input_shape=(100,), training=True, points=3
    )
    checks.network_output("better_generator.evaluation", BetterGenerator, input_shape=(100,), points=2)
checks.score

# %% id="claim-units" tags=["active-py", "claim"]
# es: Al comienzo, los valores de cada neurona quedan a ambos lados de 0, y en modo `train()` las imágenes de vectores latentes distintos ya difieren entre sí.
# en: At the beginning, the values of each unit lie on both sides of 0, and in `train()` mode the pictures of different latent vectors differ already.
# es: Una neurona cuya ReLU recibe valores negativos con todas las muestras no deja pasar ninguno, y puede quedarse así: «muere».
# en: A unit whose ReLU receives negative values for all samples lets none through, and may stay so: it “dies”.
normalised = nn.BatchNorm1d(128)(nn.Linear(100, 128)(torch.randn(32, 100)))
assert (normalised.min(dim=0).values < 0).all() and (normalised.max(dim=0).values > 0).all()
several = torch.randn(32, 100)
spread_of_tutorial, spread_of_better = (each(several).std(dim=0).mean() for each in (Generator(), BetterGenerator()))
assert spread_of_better > 5 * spread_of_tutorial
always_negative = torch.full((32, 1), -1.0, requires_grad=True)
(through_relu,) = torch.autograd.grad(nn.ReLU()(always_negative).sum(), always_negative)
(through_leaky,) = torch.autograd.grad(nn.LeakyReLU(0.2)(always_negative).sum(), always_negative)
assert (through_relu == 0).all() and (through_leaky > 0).all()

# %% [markdown] id="better-discriminator-text-es" tags=["lang-es"]
# ### Un discriminador menos dominante (5 puntos)
#
# `BetterDiscriminator` es más pequeño: lineales 784 → 512 → 256, cada una con LeakyReLU de pendiente 0.2 y dropout 0.3, y una salida
# con sigmoide. Con LeakyReLU, también las neuronas de entrada negativa devuelven gradiente al generador. Aquí **no** hay
# normalización por lotes. Con ella, lo que $D$ dice de una imagen dependería de las demás del lote, y en `discriminator_step` van juntas reales y generadas.

# %% [markdown] id="better-discriminator-text-en" tags=["lang-en"]
# ### A less dominant discriminator (5 marks)
#
# `BetterDiscriminator` is smaller: linear 784 → 512 → 256, each with LeakyReLU of slope 0.2 and dropout 0.3, and one output with a
# sigmoid. With LeakyReLU, units with negative inputs pass gradient back to the generator too. There is **no** batch
# normalisation here. With it, what $D$ says of a picture would depend on the others of the batch, and in `discriminator_step` real and generated ones go together.

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
        input_shape=(1, 28, 28),
        output_shape=(1,),
        parameters=533_505,
        points=1,
    )
    checks.network_output(
        "better_discriminator.output",
        BetterDiscriminator,
        input_shape=(1, 28, 28),
        low=0.0,
        high=1.0,
        points=2,
    )
    checks.dropout("better_discriminator.dropout", BetterDiscriminator, input_shape=(1, 28, 28), points=2)
checks.score

# %% [markdown] id="optimizers-text-es" tags=["lang-es"]
# ### Optimizadores con menos inercia (4 puntos)
#
# Adam promedia los gradientes pasados; `betas[0]` dice cuánto pesan. En una GAN el rival cambia a cada paso y los gradientes viejos estorban: Radford et al.
# (2016) bajan `betas[0]` de 0.9 a 0.5. Escribe `make_optimizers(discriminator, generator)`: devuelve **dos** Adam, primero el del discriminador y después el
# del generador, con `lr=0.0005` y `betas=(0.5, 0.999)`. La tasa de aprendizaje (*learning rate*) es decisión nuestra: cinco veces la del tutorial, para avanzar
# más en pocos pasos (el artículo usa 0.0002).

# %% [markdown] id="optimizers-text-en" tags=["lang-en"]
# ### Optimisers with less inertia (4 marks)
#
# Adam averages past gradients; `betas[0]` says how much they weigh. In a GAN the opponent changes at every step and old gradients get in the way: Radford et
# al. (2016) lower `betas[0]` from 0.9 to 0.5. Write `make_optimizers(discriminator, generator)`: it returns **two** Adam optimisers, first the discriminator's
# and then the generator's, with `lr=0.0005` and `betas=(0.5, 0.999)`. The learning rate (*tasa de aprendizaje*) is our own choice: five times that of the
# tutorial, to get further in few steps (the paper has 0.0002).

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

# %% id="claim-rate" tags=["active-py", "claim"]
# of: optimizers-text
# es: La tasa de aprendizaje (*learning rate*) es decisión nuestra: cinco veces la del tutorial, …
# en: The learning rate (*tasa de aprendizaje*) is our own choice: five times that of the tutorial, …
rates = [
    optimizers_of(Discriminator(), Generator())[0].defaults["lr"]
    for optimizers_of in (original_optimizers, make_optimizers)
]
assert abs(rates[1] / rates[0] - 5) < 1e-9

# %% [markdown] id="trials-text-es" tags=["lang-es"]
# ### Un grupo de cambios cada vez
#
# La reparación son dos grupos de cambios: las redes (tamaños, LeakyReLU, normalización por lotes) y los optimizadores (`lr` y `betas`). ¿Cuál de los dos
# importa? Solo se puede saber si todo lo demás es igual: los mismos 399 pasos y lotes de 32. La semilla también es la misma, pero con redes de otros tamaños ya
# no da los mismos pesos ni los mismos lotes: esa parte del azar queda. El original ya lo tenemos; faltan las otras tres combinaciones.

# %% [markdown] id="trials-text-en" tags=["lang-en"]
# ### One group of changes at a time
#
# The repair is two groups of changes: the networks (sizes, LeakyReLU, batch normalisation) and the optimisers (`lr` and `betas`). Which of the two matters?
# That can be told only if all the rest is equal: the same 399 steps and batches of 32. The seed is the same too, but with networks of other sizes it no longer
# gives the same weights or the same batches: that part of chance remains. The original we have already; three other combinations are left.

# %% id="trials" tags=["raises-exception"]
def short_run(discriminator_class, generator_class, optimizers_of):
    """es: El generador que resulta de redes nuevas con el presupuesto corto."""
    """en: The generator that new networks give on the short budget."""
    discriminator, generator, optimizers = new_run(discriminator_class, generator_class, optimizers_of)
    train(discriminator, generator, optimizers, batches, short_epochs)
    return generator


only_optimizers = short_run(Discriminator, Generator, make_optimizers)
only_networks = short_run(BetterDiscriminator, BetterGenerator, original_optimizers)
both_changes = short_run(BetterDiscriminator, BetterGenerator, make_optimizers)

# %% id="trials-table" tags=["raises-exception"]
trials = [original_generator, only_optimizers, only_networks, both_changes]
qualities = [original_quality] + [measure(each) for each in trials[1:]]
names = ["original", "solo optimizadores nuevos", "solo redes nuevas", "ambos grupos"]  # es
names = ["original", "new optimisers only", "new networks only", "both groups"]  # en
rows = [("–", *metrics(real_quality))] + [(steps, *metrics(quality)) for quality in qualities]
table(["pasos", "clases ↑", "confianza", "distancia ↓"], rows, names=["dígitos reales", *names])  # es
table(["steps", "classes ↑", "confidence", "distance ↓"], rows, names=["real digits", *names])  # en

# %% id="plot-trials" tags=["raises-exception"]
shown = torch.cat([same_latents(each, 8) for each in trials])  # (32, 1, 28, 28)
image_grid(shown, title=f"{steps} pasos, los mismos vectores latentes", rows=names)  # es
image_grid(shown, title=f"{steps} steps, the same latent vectors", rows=names)  # en

# %% [markdown] id="trials-result-text-es" tags=["lang-es"]
# Con este presupuesto, los dos grupos juntos dan más clases y una distancia menor que cualquiera de los dos por separado. Con algunas semillas cada grupo por separado da una sola clase, más lejos aún que el original; juntos, varias clases y la menor distancia de las cuatro. Pero entre manchas la distancia no
# ordena: el clasificador nunca vio nada así. Es una sola semilla; otra daría otros números. Y es la conclusión de pocos pasos: qué darían las otras filas con
# más no lo dice la tabla; tampoco, qué cambio de cada grupo es el que cuenta.

# %% [markdown] id="trials-result-text-en" tags=["lang-en"]
# On this budget the two groups together give more classes and a smaller distance than either of them alone. With some seeds each group alone gives a single class, even further away than the original; together, several classes and the shortest distance of the four. But between blobs the distance does not rank: the
# classifier never saw anything like them. This is a single seed; another would give other numbers. And it is a conclusion on few steps: what the other rows
# would give with more, the table does not say; nor which change of each group is the one that counts.

# %% id="claim-trials" tags=["active-py", "claim"]
# es: Con este presupuesto, los dos grupos juntos dan más clases y una distancia menor que cualquiera de los dos por separado.
# en: On this budget the two groups together give more classes and a smaller distance than either of them alone.
classes = [quality.classes for quality in qualities]
distances = [quality.distance for quality in qualities]
assert classes[3] > max(classes[:3]) and distances[3] < min(distances[:3])

# %% id="claim-alone" tags=["active-py", "claim", "seed-dependent"]
# es: Con algunas semillas cada grupo por separado da una sola clase, más lejos aún que el original; juntos, varias clases y la menor distancia de las cuatro.
# en: With some seeds each group alone gives a single class, even further away than the original; together, several classes and the shortest distance of the four.
assert [quality.classes for quality in qualities[1:3]] == [1, 1] and qualities[3].classes > 1
assert min(quality.distance for quality in qualities[1:3]) > original_quality.distance > qualities[3].distance

# %% id="claim-equal-budgets" tags=["active-py", "claim"]
# of: trials-text
# es: Solo se puede saber si todo lo demás es igual: los mismos 399 pasos y lotes de 32.
# en: That can be told only if all the rest is equal: the same 399 steps and batches of 32.
# of: trials-text
# es: La semilla también es la misma, pero con redes de otros tamaños ya no da los mismos pesos ni los mismos lotes: esa parte del azar queda.
# en: The seed is the same too, but with networks of other sizes it no longer gives the same weights or the same batches: that part of chance remains.
# of: original-text
# es: El tutorial da 50 vueltas por las 60 000 imágenes de MNIST: son 93 750 pasos, …
# en: The tutorial goes 50 times through the 60,000 pictures of MNIST: 93,750 steps, …
assert len(original_history) == 399 == short_epochs * len(batches) == 7 * len(batches)
assert [len(images) for images, _ in batches][:-1] == [32] * (len(batches) - 1)
assert {"new_run", "batches", "short_epochs"} <= set(short_run.__code__.co_names)
assert "manual_seed" in new_run.__code__.co_names
assert 50 * 60_000 / 32 == 93_750
new_run(Discriminator, Generator, original_optimizers)
_, labels_of_tutorial = next(iter(batches))
new_run(BetterDiscriminator, BetterGenerator, original_optimizers)
_, labels_of_better = next(iter(batches))
assert not torch.equal(labels_of_tutorial, labels_of_better)

# %% [markdown] id="average-text-es" tags=["lang-es"]
# ### Un generador promediado
#
# La última combinación es la que vale la pena entrenar más tiempo. Pero los pesos de $G$ no se quedan quietos: en cada paso persiguen a un discriminador que
# también se mueve. Un remedio conocido es promediar los pesos a lo largo del camino (Polyak y Juditsky, 1992). En una GAN se usa una **media móvil** (*moving
# average*) exponencial (Yazıcı et al., 2019): después de cada paso, si $\theta$ son los parámetros de $G$ y $\bar\theta$ los del promediado,
# $$\bar\theta \leftarrow 0.99\,\bar\theta + 0.01\,\theta .$$
# Los parámetros de hace 100 pasos pesan 0.37 veces lo que los actuales; los de hace 500, menos del 1 %. El entrenamiento no cambia en nada: $D$ sigue jugando
# contra $G$, y el promediado solo sirve para generar. Son dos líneas: una copia (`AveragedModel`) y, después de cada paso,
# `average.update_parameters(generator)`. Se promedian los parámetros; las medias y varianzas que guarda la normalización por lotes se copian de $G$ tal como
# están.

# %% [markdown] id="average-text-en" tags=["lang-en"]
# ### An averaged generator
#
# The last combination is the one worth training for longer. But the weights of $G$ do not hold still: at each step they chase a discriminator that moves too. A
# well-known remedy is to average the weights along the way (Polyak and Juditsky, 1992). For a GAN one takes an exponential **moving average** (*media móvil*;
# Yazıcı et al., 2019): after each step, with $\theta$ the parameters of $G$ and $\bar\theta$ those of the averaged one,
# $$\bar\theta \leftarrow 0.99\,\bar\theta + 0.01\,\theta .$$
# Parameters of 100 steps ago weigh 0.37 times what those of now do; those of 500 steps ago, less than 1 %. Training does not change at all: $D$ still plays
# against $G$, and the averaged one only generates. It takes two lines: a copy (`AveragedModel`) and, after each step, `average.update_parameters(generator)`.
# It is the parameters that are averaged; the means and variances that batch normalisation keeps are copied from $G$ as they are.

# %% id="claim-average" tags=["active-py", "claim"]
# es: … Los parámetros de hace 100 pasos pesan 0.37 veces lo que los actuales; los de hace 500, menos del 1 %.
# en: … Parameters of 100 steps ago weigh 0.37 times what those of now do; those of 500 steps ago, less than 1 %.
assert abs(0.99**100 - 0.37) < 0.005
assert 0.99**500 < 0.01
tiny = nn.Linear(1, 1)
tiny_average = AveragedModel(tiny, multi_avg_fn=get_ema_multi_avg_fn(0.99))
tiny_average.update_parameters(tiny)
before = tiny_average.module.weight.item()
nn.init.constant_(tiny.weight, 5.0)
tiny_average.update_parameters(tiny)
assert abs(tiny_average.module.weight.item() - (0.99 * before + 0.01 * 5)) < 1e-5

# %% [markdown] id="run-text-es" tags=["lang-es"]
# ### A entrenar
#
# Las redes y los optimizadores nuevos, con más pasos; y, para comparar con justicia, también el original sigue hasta los mismos pasos. Cada pocas épocas
# guardamos un fotograma de la película, dibujado por el generador promediado, siempre con los mismos 32 vectores latentes: así, lo que cambie se debe al
# entrenamiento y no al azar. El presupuesto se cuenta en **pasos**, no en épocas: una época de MNIST tiene 33 veces más lotes que una de los dígitos pequeños.
# Con estos, una época son 57 pasos, y el presupuesto corto termina en la época 7.

# %% [markdown] id="run-text-en" tags=["lang-en"]
# ### Training
#
# The new networks and optimisers, with more steps; and, to compare fairly, the original goes on to the same number of steps too. Every few epochs we keep a
# frame of the film, drawn by the averaged generator, always with the same 32 latent vectors: so whatever changes is due to training and not to chance. The
# budget is counted in **steps**, not in epochs: an epoch of MNIST has 33 times as many batches as one of the small digits. With these an epoch is 57 steps, and
# the short budget ends with epoch 7.

# %% id="networks" tags=["raises-exception"]
num_epochs = math.ceil(budget(cpu=1425, cuda=20_000, grading=1, device=device) / len(batches))
discriminator, generator, optimizers = new_run(BetterDiscriminator, BetterGenerator, make_optimizers)
average = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(0.99))
film, snapshots, scores = ImageGifRecorder(), {}, History("real", "generated")

# %% id="film-epoch"
def film_epoch(epoch, discriminator, generator):
    """es: Anota D(x) y D(G(z)); cada pocas épocas, guarda un fotograma del generador promediado."""
    """en: Note D(x) and D(G(z)); every few epochs, keep a frame of the averaged generator."""
    recorder(scores)(epoch, discriminator, generator)
    if epoch % max(1, num_epochs // 12) == 0 or epoch == num_epochs - 1:
        images = same_latents(average, 32)  # (32, 1, 28, 28)
        film.add(images, f"Época {epoch + 1}")  # es
        film.add(images, f"Epoch {epoch + 1}")  # en
        snapshots[epoch + 1] = images[:8]  # (8, 1, 28, 28)

# %% id="run" tags=["raises-exception"]
history = train(
    discriminator,
    generator,
    optimizers,
    batches,
    num_epochs,
    on_step_end=average.update_parameters,
    on_epoch_end=film_epoch,
)

# %% id="run-original-further" tags=["raises-exception"]
further = train(
    *original, batches, num_epochs - short_epochs, on_epoch_end=recorder(original_scores)
)
original_history.discriminator.extend(further.discriminator)
original_history.generator.extend(further.generator)

# %% id="claim-run" tags=["active-py", "claim"]
# es: Las redes y los optimizadores nuevos, con más pasos; y, para comparar con justicia, también el original sigue hasta los mismos pasos.
# en: The new networks and optimisers, with more steps; and, to compare fairly, the original goes on to the same number of steps too.
# es: Cada pocas épocas guardamos un fotograma de la película, dibujado por el generador promediado, siempre con los mismos 32 vectores latentes: …
# en: Every few epochs we keep a frame of the film, drawn by the averaged generator, always with the same 32 latent vectors: …
# es: El presupuesto se cuenta en **pasos**, … una época de MNIST tiene 33 veces más lotes que una de los dígitos pequeños.
# en: The budget is counted in **steps**, … an epoch of MNIST has 33 times as many batches as one of the small digits.
# es: Con estos, una época son 57 pasos, y el presupuesto corto termina en la época 7.
# en: With these an epoch is 57 steps, and the short budget ends with epoch 7.
assert len(original_history) == len(history) > 3 * steps
assert len(original_scores) == len(scores) == num_epochs
assert {"same_latents", "average"} <= set(film_epoch.__code__.co_names)
assert 1 < num_epochs / len(film) < 5
assert len(batches) == 57 and short_epochs == 7
assert round(math.ceil(60_000 / 32) / len(batches)) == 33

# %% id="claim-buffers" tags=["active-py", "claim"]
# of: average-text
# es: Se promedian los parámetros; las medias y varianzas que guarda la normalización por lotes se copian de $G$ tal como están.
# en: It is the parameters that are averaged; the means and variances that batch normalisation keeps are copied from $G$ as they are.
copied = zip(average.module.buffers(), generator.buffers(), strict=True)
assert all(torch.equal(mean, now) for mean, now in copied)
assert not torch.equal(next(average.module.parameters()), next(generator.parameters()))

# %% id="film" tags=["raises-exception"]
film.save("lab2_mnist_gan.gif")

# %% [markdown] id="snapshots-text-es" tags=["lang-es"]
# Para quien lee en papel: los mismos ocho vectores latentes a lo largo del entrenamiento, del comienzo (arriba) al final.

# %% [markdown] id="snapshots-text-en" tags=["lang-en"]
# For those who read on paper: the same eight latent vectors during training, from the beginning (top) to the end.

# %% id="snapshots" tags=["raises-exception"]
epochs = list(snapshots)[:: max(1, len(snapshots) // 4)]
shown = torch.cat([snapshots[epoch] for epoch in epochs])  # (40, 1, 28, 28)
after = [f"época {epoch}, paso {epoch * len(batches)}" for epoch in epochs]  # es
after = [f"epoch {epoch}, step {epoch * len(batches)}" for epoch in epochs]  # en
image_grid(shown, title="Ocho vectores latentes a lo largo del entrenamiento", rows=after)  # es
image_grid(shown, title="Eight latent vectors during training", rows=after)  # en

# %% id="claim-snapshots" tags=["active-py", "claim"]
# es: Para quien lee en papel: los mismos ocho vectores latentes a lo largo del entrenamiento, del comienzo (arriba) al final.
# en: For those who read on paper: the same eight latent vectors during training, from the beginning (top) to the end.
assert torch.allclose(same_latents(average, 32)[:8], snapshots[num_epochs], atol=1e-5)
assert epochs == sorted(epochs) and epochs[0] == 1 and epochs[-1] == num_epochs

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# Primero, las pérdidas con la misma escala, logarítmica; después, la ventaja del discriminador al final de cada época, $D(x) - D(G(z))$. En el original las
# curvas terminan separadas. $D$ toma pronto la ventaja y termina con ella; con algunas semillas pierde parte por el camino. En el reparado siguen juntas, y la ventaja de $D$ es pequeña. Eso dice que nadie domina; qué tan buenos son los dígitos, no lo dice
# (laboratorio 1).

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# First the losses on the same scale, a logarithmic one; then the lead of the discriminator at the end of each epoch, $D(x) - D(G(z))$. In the original the
# curves end up apart. $D$ soon takes the lead and ends with it; with some seeds it loses part of it on the way. In the
# repaired one they stay together, and the lead of $D$ is small. That says that nobody dominates; how good the digits are, it does not say (lab 1).

# %% id="curves" tags=["raises-exception"]
loss_panels({"original": original_history, "reparado": history}, title="Pérdidas, con los mismos pasos")  # es
loss_panels({"original": original_history, "repaired": history}, title="Losses, with the same number of steps")  # en

# %% id="plot-scores" tags=["raises-exception"]
def lead(scores):
    """es: La ventaja del discriminador en cada época: D(x) - D(G(z))."""
    """en: The lead of the discriminator in each epoch: D(x) - D(G(z))."""
    return [real - generated for real, generated in zip(scores.real, scores.generated, strict=True)]


leads = {"original": lead(original_scores), "reparado": lead(scores)}  # es
leads = {"original": lead(original_scores), "repaired": lead(scores)}  # en
curves(leads, title="La ventaja del discriminador", xlabel="época", ylabel="$D(x) - D(G(z))$", start=1)  # es
curves(leads, title="The lead of the discriminator", xlabel="epoch", ylabel="$D(x) - D(G(z))$", start=1)  # en

# %% id="claim-curves" tags=["active-py", "claim"]
# es: En el original las curvas terminan separadas.
# en: In the original the curves end up apart.
# es: En el reparado siguen juntas, y la ventaja de $D$ es pequeña.
# en: In the repaired one they stay together, and the lead of $D$ is small.
late = slice(len(history) // 2, None)
gaps = [sum(each.generator[late]) / sum(each.discriminator[late]) for each in (original_history, history)]
assert gaps[0] > 5 and gaps[1] < 2
original_lead, repaired_lead = leads.values()
latest = slice(num_epochs // 2, None)
assert min(original_lead[latest]) > 0.3
assert sum(repaired_lead[latest]) / len(repaired_lead[latest]) < 0.25

# %% id="claim-lead" tags=["active-py", "claim", "seed-dependent"]
# es: $D$ toma pronto la ventaja y termina con ella; con algunas semillas pierde parte por el camino.
# en: $D$ soon takes the lead and ends with it; with some seeds it loses part of it on the way.
tutorial_lead, _ = leads.values()
assert max(tutorial_lead[:4]) > 0.6 and tutorial_lead[-1] > 0.6
assert min(tutorial_lead[4:]) < 0.85

# %% [markdown] id="quality-text-es" tags=["lang-es"]
# ### ¿Qué tan buenos son?
#
# Dígitos reales, el original y el reparado, con los mismos pasos y los mismos vectores latentes: el generador entrenado y su promedio. Debajo, medidos con la
# misma vara; el original también con el presupuesto corto.

# %% [markdown] id="quality-text-en" tags=["lang-en"]
# ### How good are they?
#
# Real digits, the original and the repaired one, with the same number of steps and the same latent vectors: the trained generator itself and its average.
# Below, measured with the same yardstick; the original on the short budget too.

# %% id="plot-generated" tags=["raises-exception"]
players = [original_generator, generator, average]
shown = torch.cat([real_images[:10]] + [same_latents(each, 10) for each in players])  # (40, 1, 28, 28)
names = ["reales", "original", "reparado", "su promedio"]  # es
names = ["real", "original", "repaired", "its average"]  # en
image_grid(shown, title=f"Reales y generados, {len(history)} pasos", columns=10, side=84, rows=names)  # es
image_grid(shown, title=f"Real and generated, {len(history)} steps", columns=10, side=84, rows=names)  # en

# %% id="claim-same-steps" tags=["active-py", "claim"]
# es: Dígitos reales, el original y el reparado, con los mismos pasos y los mismos vectores latentes: el generador entrenado y su promedio.
# en: Real digits, the original and the repaired one, with the same number of steps and the same latent vectors: the trained generator itself and its average.
assert torch.equal(shown[:10], real_images[:10])
assert len(history) == len(original_history)
assert all(torch.allclose(same_latents(each, 10), shown[10 * row : 10 * row + 10], atol=1e-5) for row, each in enumerate(players, 1))

# %% id="quality" tags=["raises-exception"]
further_quality, quality, average_quality = (measure(each) for each in players)
rows = [("–", *metrics(real_quality)), (steps, *metrics(original_quality))]
rows += [(len(history), *metrics(each)) for each in (further_quality, quality, average_quality)]
table(["pasos", "clases ↑", "confianza", "distancia ↓"], rows, names=["reales", "original", *names[1:]])  # es
table(["steps", "classes ↑", "confidence", "distance ↓"], rows, names=["real", "original", *names[1:]])  # en

# %% [markdown] id="bars-text-es" tags=["lang-es"]
# ¿Salen todos los dígitos con la misma frecuencia? En los datos reales, cada uno tiene alrededor del 10 %. En lo generado por el promedio, unos salen bastante
# más que otros; pero el clasificador siempre elige alguno, también cuando la forma está entre dos.

# %% [markdown] id="bars-text-en" tags=["lang-en"]
# Do all digits come up equally often? In the real data each has about 10 %. In what the average generates, some come up quite a bit more than
# others; but the classifier always chooses one, also where the shape is between two.

# %% id="bars" tags=["raises-exception"]
real_shares = (digits.labels.bincount(minlength=10) / len(digits)).tolist()
shares = {"real": real_shares, "generado": average_quality.shares}  # es
shares = {"real": real_shares, "generated": average_quality.shares}  # en
class_bars(shares, title="El promedio no da todos los dígitos por igual", ylabel="proporción", line=0.1)  # es
class_bars(shares, title="The averaged generator does not produce all digits equally often", ylabel="share of the pictures", line=0.1)  # en

# %% id="claim-bars" tags=["active-py", "claim"]
# es: En los datos reales, cada uno tiene alrededor del 10 %.
# en: In the real data each has about 10 %.
# es: En lo generado por el promedio, unos salen bastante más que otros; …
# en: In what the average generates, some come up quite a bit more than others; …
assert 0.095 < min(real_shares) <= max(real_shares) < 0.105
assert max(average_quality.shares) > 1.4 * min(average_quality.shares)

# %% [markdown] id="honest-text-es" tags=["lang-es"]
# El original, con los mismos pasos que el reparado, sigue en una o dos clases: la variedad no llegó. No es un colapso en sentido estricto, pues nunca la tuvo;
# con los 93 750 pasos del tutorial no lo probamos. En lo que da el reparado, el clasificador reconoce los diez dígitos, aunque con menos confianza que en los
# reales, y está obligado a elegir uno. La distancia es mucho menor que la del original, pero todavía muchas veces la que hay entre reales: hay trazos rotos y
# formas entre dos dígitos. El promedio tiene menos puntos sueltos alrededor del trazo que el generador entrenado, y dibuja más liso, también más borroso; con algunas semillas su distancia es casi la misma: un empate. Los trazos rotos pueden deberse a que una red densa no sabe que dos píxeles son vecinos; aquí no lo
# probamos. Las redes del laboratorio 3 lo saben.

# %% [markdown] id="honest-text-en" tags=["lang-en"]
# The original, with as many steps as the repaired one, is still at one or two classes: variety has not come. Strictly speaking this is no collapse, for there
# never was any; we do not try the 93,750 steps of the tutorial. In what the repaired one gives, the classifier recognises all ten digits, though with less
# confidence than in real ones, and it is forced to choose one. The distance is much smaller than that of the original, but still many times that between real
# ones: there are broken strokes, and shapes between two digits. The average has fewer stray dots around the stroke than the trained generator itself, and draws
# more smoothly, also more blurred; with some seeds its distance is nearly the same: a tie. Broken strokes may be due to a dense network not knowing that two
# pixels are neighbours; we do not test it here. The networks of lab 3 know.

# %% id="claim-quality" tags=["active-py", "claim"]
# es: El original, con los mismos pasos que el reparado, sigue en una o dos clases: la variedad no llegó.
# en: The original, with as many steps as the repaired one, is still at one or two classes: variety has not come.
# es: No es un colapso en sentido estricto, pues nunca la tuvo; con los 93 750 pasos del tutorial no lo probamos.
# en: Strictly speaking this is no collapse, for there never was any; we do not try the 93,750 steps of the tutorial.
# es: En lo que da el reparado, el clasificador reconoce los diez dígitos, aunque con menos confianza que en los reales, y está obligado a elegir uno.
# en: In what the repaired one gives, the classifier recognises all ten digits, though with less confidence than in real ones, and it is forced to choose one.
# es: La distancia es mucho menor que la del original, pero todavía muchas veces la que hay entre reales: hay trazos rotos y formas entre dos dígitos.
# en: The distance is much smaller than that of the original, but still many times that between real ones: there are broken strokes, and shapes between two digits.
assert further_quality.classes <= 2
spread_at_start, spread_real = (each.std(dim=0).mean() for each in (untrained_images, shuffled[:half]))
assert spread_at_start < spread_real / 5
assert quality.classes == average_quality.classes == 10
assert max(quality.confidence, average_quality.confidence) < real_quality.confidence - 0.1
assert 3 * max(quality.distance, average_quality.distance) < further_quality.distance
assert min(quality.distance, average_quality.distance) > 5 * real_quality.distance

# %% id="claim-stray-dots" tags=["active-py", "claim"]
# es: El promedio tiene menos puntos sueltos alrededor del trazo que el generador entrenado, y dibuja más liso, también más borroso; …
# en: The average has fewer stray dots around the stroke than the trained generator itself, and draws more smoothly, also more blurred; …
# The frame of four pixels is black in real pictures.
frame = torch.ones(28, 28, dtype=torch.bool)
frame[4:24, 4:24] = False
drawn = [same_latents(each, half).squeeze(1) for each in (generator, average)]
stray = [(images[:, frame] > -0.5).float().mean().item() for images in drawn]
rough = [images[:, 4:24, 4:24].diff(dim=2).abs().mean().item() for images in drawn]
assert stray[1] < 0.8 * stray[0]
assert rough[1] < 0.97 * rough[0]

# %% id="claim-average-distance" tags=["active-py", "claim", "seed-dependent"]
# es: El promedio tiene menos puntos sueltos …; con algunas semillas su distancia es casi la misma: un empate.
# en: The average has fewer stray dots …; with some seeds its distance is nearly the same: a tie.
assert abs(average_quality.distance - quality.distance) < 0.15 * quality.distance

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
# **Question 1 (7 marks).** How do the models of lab 1 differ from the original ones of this lab, and what is the reason for each difference?

# %% [markdown] id="question_models" nbgrader={"grade": true, "grade_id": "question_models", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Las redes son mucho mayores porque cada dato tiene 784 números y no 2, y el generador tiene una capa oculta más, para dibujar formas más complejas; el espacio latente pasa de 2 a 100 dimensiones para dar variedad a las imágenes; la salida lleva tanh porque los píxeles están entre -1 y 1, mientras que $x_1$ iba de 0 a $2\pi$; la tasa de aprendizaje baja de 0.001 a 0.0001, pasos más cautos para redes mayores; y hay que aplanar la imagen y devolverle su forma.
# en: The networks are much larger because each sample has 784 numbers and not 2, and the generator has one more hidden layer, to draw more complex shapes; the latent space goes from 2 to 100 dimensions to give the pictures variety; the output has tanh because pixels lie between -1 and 1, while $x_1$ went from 0 to $2\pi$; the learning rate falls from 0.001 to 0.0001, more cautious steps for larger networks; and the picture has to be flattened and given its shape back.
# ### END SOLUTION

# %% id="claim-models-answer" tags=["active-py", "claim"]
# es: Las redes son mucho mayores porque cada dato tiene 784 números y no 2, y el generador tiene una capa oculta más, para dibujar formas más complejas; el espacio latente pasa de 2 a 100 dimensiones para dar variedad a las imágenes; la salida lleva tanh porque los píxeles están entre -1 y 1, mientras que $x_1$ iba de 0 a $2\pi$; la tasa de aprendizaje baja de 0.001 a 0.0001, pasos más cautos para redes mayores; y hay que aplanar la imagen y devolverle su forma.
# en: The networks are much larger because each sample has 784 numbers and not 2, and the generator has one more hidden layer, to draw more complex shapes; the latent space goes from 2 to 100 dimensions to give the pictures variety; the output has tanh because pixels lie between -1 and 1, while $x_1$ went from 0 to $2\pi$; the learning rate falls from 0.001 to 0.0001, more cautious steps for larger networks; and the picture has to be flattened and given its shape back.
assert sum(parameter.numel() for parameter in Discriminator().parameters()) > 30 * 41_985
assert sum(parameter.numel() for parameter in Generator().parameters()) > 1000 * 658
assert original_optimizers(discriminator, generator)[0].defaults["lr"] == 0.0001
assert sum(isinstance(layer, nn.Linear) for layer in Generator().modules()) == 3 + 1

# %% [markdown] id="question-quality-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** ¿Qué tan bien se crearon las imágenes, antes y después de la reparación? Argumenta con las tres métricas y con lo
# que ves, y di cuál engaña si se mira sola.

# %% [markdown] id="question-quality-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** How well were the pictures made, before and after the repair? Argue with the three metrics and with what
# you see, and say which one misleads when it is looked at alone.

# %% [markdown] id="question_quality" nbgrader={"grade": true, "grade_id": "question_quality", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Con los mismos pasos, el original da siempre casi la misma mancha: una o dos clases y una distancia de decenas o más. El reparado da los diez dígitos y su distancia baja a pocas unidades, todavía muchas veces la que hay entre reales; en la figura, varios dígitos se leen de inmediato y otros son trazos rotos o están entre dos dígitos. La confianza sola engaña: con algunas semillas la mancha obtiene más que el generador reparado, siempre para lo mismo. Contar clases tampoco basta: el clasificador está obligado a elegir una, y no ve si los trazos están rotos.
# en: With the same number of steps the original gives nearly the same blob all the time: one or two classes and a distance of tens or more. The repaired one gives all ten digits and its distance falls to a few units, still many times that between real ones; in the figure several digits can be read at once, and others are broken strokes or lie between two digits. Confidence alone misleads: with some seeds the blob gets more than the repaired generator, always for the same class. Counting classes is not enough either: the classifier is forced to choose one, and does not see whether strokes are broken.
# ### END SOLUTION

# %% id="claim-quality-answer" tags=["active-py", "claim"]
# es: Con los mismos pasos, el original da siempre casi la misma mancha: una o dos clases y una distancia de decenas o más.
# en: With the same number of steps the original gives nearly the same blob all the time: one or two classes and a distance of tens or more.
# es: El reparado da los diez dígitos y su distancia baja a pocas unidades, todavía muchas veces la que hay entre reales; en la figura, varios dígitos se leen de inmediato y otros son trazos rotos o están entre dos dígitos.
# en: The repaired one gives all ten digits and its distance falls to a few units, still many times that between real ones; in the figure several digits can be read at once, and others are broken strokes or lie between two digits.
# es: Contar clases tampoco basta: el clasificador está obligado a elegir una, y no ve si los trazos están rotos.
# en: Counting classes is not enough either: the classifier is forced to choose one, and does not see whether strokes are broken.
assert further_quality.classes <= 2 and further_quality.distance > 15
assert quality.classes == 10 and 5 * real_quality.distance < quality.distance < 12
assert max(original_quality.shares) > 0.9 and max(further_quality.shares) > 0.9

# %% id="claim-confidence-answer" tags=["active-py", "claim", "seed-dependent"]
# es: La confianza sola engaña: con algunas semillas la mancha obtiene más que el generador reparado, siempre para lo mismo.
# en: Confidence alone misleads: with some seeds the blob gets more than the repaired generator, always for the same class.
assert max(original_quality.confidence, further_quality.confidence) > quality.confidence + 0.1

# %% [markdown] id="question-improve-text-es" tags=["lang-es"]
# **Pregunta 3 (8 puntos).** Explica por qué el original sigue dando casi la misma imagen y cómo ayuda a evitarlo cada cambio de la reparación. ¿Qué cambiarías
# todavía?

# %% [markdown] id="question-improve-text-en" tags=["lang-en"]
# **Question 3 (8 marks).** Explain why the original goes on giving nearly the same picture and how each change of the repair helps to avoid it. What else would
# you change?

# %% [markdown] id="question_improve" nbgrader={"grade": true, "grade_id": "question_improve", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: El generador empezó dando casi la misma imagen para todos los vectores latentes: no perdió variedad, nunca la tuvo. El discriminador aprendió más rápido y le llevó ventaja casi todo el entrenamiento; según la literatura (Arjovsky y Bottou, 2017), su gradiente es entonces fuerte, pero dice poco sobre cómo mejorar, y nada pedía a las imágenes de un lote que fueran distintas. La normalización por lotes centra y escala cada neurona con el lote y dificulta que todas las imágenes se vuelvan iguales; LeakyReLU deja pasar gradiente también donde la entrada es negativa, así que las neuronas no mueren; con betas 0.5 los gradientes viejos se olvidan antes, y con una tasa mayor se avanza más en pocos pasos; un discriminador más pequeño deja margen al generador. Según la tabla, con pocos pasos las redes y los optimizadores juntos dan más clases y una distancia menor que unas u otros solos. Todavía usaría capas convolucionales, que saben qué píxeles son vecinos, y más imágenes.
# en: The generator began with nearly the same picture for all latent vectors: it did not lose variety, it never had any. The discriminator learned faster and was ahead of it for nearly all of the training; according to the literature (Arjovsky and Bottou, 2017), its gradient is then strong, but says little about how to improve, and nothing asked the pictures of a batch to differ. Batch normalisation centres and scales each unit by the batch and makes it hard for all pictures to become alike; LeakyReLU lets gradients through where the input is negative too, so units do not die; with betas 0.5 old gradients are forgotten sooner, and a higher learning rate gets further in few steps; a smaller discriminator leaves the generator room. According to the table, with few steps networks and optimisers together give more classes and a smaller distance than either alone. I would still use convolutional layers, which know what pixels are neighbours, and more pictures.
# ### END SOLUTION

# %% id="claim-improve-answer" tags=["active-py", "claim"]
# es: El generador empezó dando casi la misma imagen para todos los vectores latentes: no perdió variedad, nunca la tuvo.
# en: The generator began with nearly the same picture for all latent vectors: it did not lose variety, it never had any.
# es: El discriminador aprendió más rápido y le llevó ventaja casi todo el entrenamiento; …
# en: The discriminator learned faster and was ahead of it for nearly all of the training; …
# es: Según la tabla, con pocos pasos las redes y los optimizadores juntos dan más clases y una distancia menor que unas u otros solos.
# en: According to the table, with few steps networks and optimisers together give more classes and a smaller distance than either alone.
untrained_spread, spread_of_real = (each.std(dim=0).mean() for each in (untrained_images, shuffled[:half]))
assert untrained_spread < spread_of_real / 5
settled = original_history.discriminator[100:]
assert sum(settled) / len(settled) < 0.4 < math.log(2)
original_lead, _ = leads.values()
assert sum(each > 0.3 for each in original_lead) > 0.75 * len(original_lead)
classes = [quality.classes for quality in qualities]
distances = [quality.distance for quality in qualities]
assert classes[3] > max(classes[:3]) and distances[3] < min(distances[:3])

# %% [markdown] id="question-gif-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** Describe lo que se ve en la película: el comienzo, cómo evolucionan las imágenes y qué les falta al final.

# %% [markdown] id="question-gif-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** Describe what the film shows: the beginning, how the pictures evolve, and what they lack in the end.

# %% [markdown] id="question_gif" nbgrader={"grade": true, "grade_id": "question_gif", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Al comienzo hay ruido gris. En las primeras épocas aparece una mancha clara en el centro; después se distinguen trazos, y cada vector da un dígito suyo, que en muchos casos todavía cambia más adelante. Al final varios dígitos se leen bien, pero quedan trazos rotos y formas entre dos dígitos.
# en: In the beginning there is grey noise. In the first epochs a bright blob appears in the middle; then strokes can be told apart, and each vector gives a digit of its own, which in many cases still changes later on. In the end several digits can be read well, but broken strokes and shapes between two digits remain.
# ### END SOLUTION

# %% id="claim-film-answer" tags=["active-py", "claim"]
# es: En las primeras épocas aparece una mancha clara en el centro; después se distinguen trazos, y cada vector da un dígito suyo, que en muchos casos todavía cambia más adelante.
# en: In the first epochs a bright blob appears in the middle; then strokes can be told apart, and each vector gives a digit of its own, which in many cases still changes later on.
# es: Al final varios dígitos se leen bien, pero quedan trazos rotos y formas entre dos dígitos.
# en: In the end several digits can be read well, but broken strokes and shapes between two digits remain.
frame = torch.ones(28, 28, dtype=torch.bool)
frame[4:24, 4:24] = False
first, third = snapshots[1], snapshots[3]
assert abs(first.mean()) < 0.5 and abs(first[..., 9:19, 9:19].mean() - first.squeeze(1)[:, frame].mean()) < 0.4
assert third[..., 9:19, 9:19].mean() - third.squeeze(1)[:, frame].mean() > 0.3
read = [classifier(images).argmax(dim=1) for images in list(snapshots.values())[4:]]
changed = (torch.stack(read) != read[-1]).any(dim=0)
assert changed.sum() >= 2
certainty = classifier(same_latents(average, half)).softmax(dim=1).max(dim=1).values
assert (certainty > 0.9).float().mean() > 0.1
assert (certainty < 0.5).float().mean() > 0.1

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Imágenes para una GAN: canal, $[-1, 1]$, tanh al final del generador.
# - Los tensores se crean en el dispositivo de los datos; la red se mueve una vez, los lotes uno a uno.
# - Para mirar una red: `eval()`, `no_grad()`, y después se restaura el modo de antes.
# - Según Arjovsky y Bottou (2017), un discriminador que domina enseña poco: su gradiente es fuerte, pero orienta poco.
# - Qué cambio ayuda se sabe con todo lo demás igual, los pasos también: aquí, con pocos, redes y optimizadores juntos dieron más que por separado; y la GAN del
#   tutorial, con tantos como la reparada, siguió en una o dos clases.
# - Un promedio de los pesos dibuja con menos ruido, y el entrenamiento no cambia.
# - Clases, confianza y distancia juntas; ninguna basta sola.
#
# **Para seguir explorando (sin puntos).** ¿Qué da el original con 20 veces más pasos? De los optimizadores, ¿qué importa, `lr` o `betas`? ¿Y qué pasa con
# etiquetas de 0.9? Prueba `load_digits("mnist")` con una GPU.

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Pictures for a GAN: a channel, $[-1, 1]$, tanh at the end of the generator.
# - Tensors are created on the device of the data; the network moves once, the batches one by one.
# - To look at a network: `eval()`, `no_grad()`, and the earlier mode restored afterwards.
# - According to Arjovsky and Bottou (2017), a discriminator that dominates teaches little: its gradient is strong, but gives little guidance.
# - Which change helps is known with all the rest equal, the steps too: here, with few of them, networks and optimisers together gave more than either alone;
#   and the tutorial's GAN, with as many as the repaired one, was still at one or two classes.
# - An average of the weights draws with less noise, and training does not change.
# - Classes, confidence and distance together; none is enough alone.
#
# **To explore further (no marks).** What does the original give with 20 times as many steps? Of the optimisers, what matters, `lr` or `betas`? And what happens
# with labels of 0.9? Try `load_digits("mnist")` on a GPU.

# %% id="claim-summary" tags=["active-py", "claim"]
# es: Qué cambio ayuda se sabe con todo lo demás igual, … aquí, con pocos, redes y optimizadores juntos dieron más que por separado; y la GAN del tutorial, con tantos como la reparada, siguió en una o dos clases.
# en: Which change helps is known with all the rest equal, … here, with few of them, networks and optimisers together gave more than either alone; and the tutorial's GAN, with as many as the repaired one, was still at one or two classes.
# es: Un promedio de los pesos dibuja con menos ruido, y el entrenamiento no cambia.
# en: An average of the weights draws with less noise, and training does not change.
# es: Clases, confianza y distancia juntas; ninguna basta sola.
# en: Classes, confidence and distance together; none is enough alone.
classes = [quality.classes for quality in qualities]
distances = [quality.distance for quality in qualities]
assert classes[3] > max(classes[:3]) and distances[3] < min(distances[:3])
frame = torch.ones(28, 28, dtype=torch.bool)
frame[4:24, 4:24] = False
stray = [(same_latents(each, half).squeeze(1)[:, frame] > -0.5).float().mean().item() for each in (generator, average)]
assert stray[1] < 0.8 * stray[0]
assert further_quality.classes <= 2 and quality.classes == 10 and quality.distance > 5 * real_quality.distance

# %% [markdown] id="references-es" tags=["lang-es"]
# ## Referencias
#
# Este laboratorio parte de un tutorial de PyTorch muy leído, el mismo del laboratorio 1.
#
# - Polyak, B. T., Juditsky, A. B. (1992). *Acceleration of Stochastic Approximation by Averaging*. SIAM Journal on Control and Optimization 30, 838–855.
# - Alpaydin, E., Kaynak, C. (1998). *Cascading Classifiers*. Kybernetika 34, 369–374.
# - LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). *Gradient-Based Learning Applied to Document Recognition*. Proceedings of the IEEE 86, 2278–2324.
# - Goodfellow, I. et al. (2014). *Generative Adversarial Networks*. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Ioffe, S., Szegedy, C. (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*. [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Salimans, T. et al. (2016). *Improved Techniques for Training GANs*. [arXiv:1606.03498](https://arxiv.org/abs/1606.03498).
# - Arjovsky, M., Bottou, L. (2017). *Towards Principled Methods for Training Generative Adversarial Networks*. [arXiv:1701.04862](https://arxiv.org/abs/1701.04862).
# - Heusel, M. et al. (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*. [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
# - Yazıcı, Y. et al. (2019). *The Unusual Effectiveness of Averaging in GAN Training*. [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).

# %% [markdown] id="references-en" tags=["lang-en"]
# ## References
#
# This lab goes back to a widely read PyTorch tutorial, that of lab 1.
#
# - Polyak, B. T., Juditsky, A. B. (1992). *Acceleration of Stochastic Approximation by Averaging*. SIAM Journal on Control and Optimization 30, 838–855.
# - Alpaydin, E., Kaynak, C. (1998). *Cascading Classifiers*. Kybernetika 34, 369–374.
# - LeCun, Y., Bottou, L., Bengio, Y., Haffner, P. (1998). *Gradient-Based Learning Applied to Document Recognition*. Proceedings of the IEEE 86, 2278–2324.
# - Goodfellow, I. et al. (2014). *Generative Adversarial Networks*. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Ioffe, S., Szegedy, C. (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift*. [arXiv:1502.03167](https://arxiv.org/abs/1502.03167).
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Salimans, T. et al. (2016). *Improved Techniques for Training GANs*. [arXiv:1606.03498](https://arxiv.org/abs/1606.03498).
# - Arjovsky, M., Bottou, L. (2017). *Towards Principled Methods for Training Generative Adversarial Networks*. [arXiv:1701.04862](https://arxiv.org/abs/1701.04862).
# - Heusel, M. et al. (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*. [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
# - Yazıcı, Y. et al. (2019). *The Unusual Effectiveness of Averaging in GAN Training*. [arXiv:1806.04498](https://arxiv.org/abs/1806.04498).

# %% id="summary"
lab.summary()
