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
# de ellas aprende a dibujar, mejor o peor, la curva seno. Todo corre en la CPU de una computadora portátil en
# unos minutos y no descarga nada.
#
# Al terminar sabrás explicar qué es un modelo generativo, escribir los dos pasos de entrenamiento de una
# GAN y juzgar el resultado con métricas, no solo a ojo.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda plegada que les sigue: te
# dice enseguida los puntos de esa sección y, si algo falla, qué se observó y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.
# Tus funciones no deben modificar lo que reciben (modos, parámetros, semillas), salvo lo que se pida, y deben servir en CPU y en GPU.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 1: a GAN that learns the sine curve
#
# You are going to build your first **generative adversarial network** (GAN): two small networks that compete until
# one of them learns to draw, more or less well, the sine curve. Everything runs on a laptop CPU in a few
# minutes and downloads nothing.
#
# By the end you will be able to explain what a generative model is, to write the two training steps of a
# GAN, and to judge the result by metrics, not only by eye.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the folded cell that follows: it tells you at
# once the marks of that section and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions at the end, 30.
# Your functions must leave what they receive unchanged (modes, parameters, seeds) unless asked otherwise, and must work on a CPU and on a GPU.

# %% [markdown] id="setup-text-es" tags=["lang-es"]
# ## Preparación
#
# La siguiente celda carga las bibliotecas y elige el dispositivo: la GPU, si hay una; si no, la CPU. Los puntos
# son los mismos en ambas.

# %% [markdown] id="setup-text-en" tags=["lang-en"]
# ## Set-up
#
# The next cell loads the libraries and chooses the device: the GPU if there is one, else the CPU. The marks are
# the same on both.

# %% id="setup"
import copy
import math

import torch
from torch import nn
from torch.utils.data import DataLoader

from autograder import column, loadable, open_lab
from course import diagrams
from course.budget import budget
from course.data import sine_points
from course.device import describe_device, get_device
from course.metrics import sine_quality
from course.plots import GifRecorder, loss_curves, probability_maps, scatter, scatter_panels, table
from course.training import LossHistory, progress

device = get_device(threads=1)

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

# %% [markdown] id="ideas-models-es" tags=["lang-es"]
# ## 1. Dos clases de modelos
#
# Un **modelo discriminativo** responde preguntas sobre un dato que ya existe: ¿qué dígito hay en esta imagen? Aprende
# la probabilidad $P(y \mid x)$ de una etiqueta $y$ dado un dato $x$, o al menos la frontera entre las clases. Lo son la regresión
# logística, las máquinas de vectores de soporte (que solo dan la frontera) y las redes que clasifican.
#
# Un **modelo generativo** aprende cómo son los datos mismos, $P(x)$, y por eso puede producir datos nuevos. No necesita
# etiquetas. Lo son una mezcla de gaussianas, un modelo de lenguaje y una GAN. ¿De dónde sale la variedad? En una GAN, del azar: se toma
# un vector $z$ al azar de un **espacio latente**, por ejemplo $z \sim \mathcal{N}(0, I)$, y una red lo transforma en un dato. Con
# otro $z$ suele salir otra muestra.
#
# Si hay etiquetas, un modelo generativo puede aprender $P(x \mid y)$, cómo son los datos de cada clase. Con la regla de Bayes,
# $P(y \mid x) \propto P(x \mid y) \, P(y)$, también sirve para clasificar; pero si hay datos suficientes, suele acertar más el modelo
# discriminativo, que aprende solo lo que se le pregunta (Ng y Jordan, 2002).

# %% [markdown] id="ideas-models-en" tags=["lang-en"]
# ## 1. Two kinds of models
#
# A **discriminative model** answers questions about something that exists already: which digit is in this picture?
# It learns the probability $P(y \mid x)$ of a label $y$ given a sample $x$, or at least the boundary between the classes. Logistic
# regression, support vector machines (which give only the boundary) and networks that classify are of this kind.
#
# A **generative model** learns what the data themselves are like, $P(x)$, and so can produce new data. It needs no
# labels. A mixture of Gaussians, a language model and a GAN are of this kind. Where does the variety come from? In a GAN, from
# chance: a random vector $z$ is drawn from a **latent space**, for example $z \sim \mathcal{N}(0, I)$, and a network turns it into a
# sample. Another $z$ usually gives another sample.
#
# Where there are labels, a generative model can learn $P(x \mid y)$, what the data of each class are like. By Bayes' rule,
# $P(y \mid x) \propto P(x \mid y) \, P(y)$, it can classify too; but given enough data, the discriminative model usually gets more
# of them right, since it learns only what it is asked (Ng and Jordan, 2002).

# %% id="plot-models"
diagrams.both_kinds_of_models()

# %% [markdown] id="real-text-es" tags=["lang-es"]
# Nuestros datos son puntos del plano, $(x_1, x_2)$ con $x_2 = \sin x_1$ y $x_1$ entre $0$ y $2\pi$. Así se ven mil de ellos:

# %% [markdown] id="real-text-en" tags=["lang-en"]
# Our data are points of the plane, $(x_1, x_2)$ with $x_2 = \sin x_1$ and $x_1$ between $0$ and $2\pi$. A thousand of them look like this:

# %% id="plot-real"
real_points = sine_points(1000)  # (1000, 2)
scatter(real_points, title="Datos reales: la curva seno")  # es
scatter(real_points, title="Real data: the sine curve")  # en

# %% id="claim-real-points" tags=["active-py", "claim"]
# es: Así se ven mil de ellos:
# en: A thousand of them look like this:
# es: Nuestros datos son puntos del plano, … con $x_2 = \sin x_1$ y $x_1$ entre $0$ y $2\pi$.
# en: Our data are points of the plane, … with $x_2 = \sin x_1$ and $x_1$ between $0$ and $2\pi$.
assert len(real_points) == 1000
assert (real_points[:, 1] - torch.sin(real_points[:, 0])).abs().max() < 1e-6
assert 0 <= real_points[:, 0].min() < real_points[:, 0].max() <= 2 * math.pi

# %% [markdown] id="ideas-game-es" tags=["lang-es"]
# ## 2. El juego
#
# Una GAN (Goodfellow et al., 2014) enfrenta a dos redes, como a un falsificador de billetes y a la policía:
#
# - el **generador** $G$, el falsificador, convierte vectores latentes $z$ en muestras $G(z)$;
# - el **discriminador** $D$, la policía, recibe una muestra y da la probabilidad, entre 0 y 1, de que sea real.
#
# $D$ intenta responder 1 ante lo real y 0 ante lo generado; $G$ quiere que $D$ se equivoque. Cada billete descubierto enseña al
# falsificador en qué falló, y cada falsificación lograda obliga a la policía a mirar con más cuidado. Es un juego **minimax**:
# $$\min_G \max_D V(D, G), \qquad V(D, G) = \mathbb{E}_{x \sim p_{\text{data}}}[\ln D(x)] + \mathbb{E}_{z \sim p_z}[\ln(1 - D(G(z)))].$$
# $V$ es la **función de valor** del juego; $p_{\text{data}}$, la distribución de los datos reales; $p_z$, la de los vectores latentes, aquí
# $\mathcal{N}(0, I)$, y $\mathbb{E}$, el promedio. $D$ hace grandes ambos términos: el primero, diciendo «real» ante lo real; el segundo,
# diciendo «generado» ante lo generado. $G$ solo interviene en el segundo, y lo hace pequeño.
# Si $G$ imitara los datos a la perfección, lo mejor que podría hacer $D$ es decir siempre $1/2$.
#
# $D$ y $G$ pueden ser redes cualesquiera, siempre que sus tamaños encajen: $G$ lleva un vector latente a algo del tamaño de un dato, y $D$,
# algo de ese tamaño a un número. Con variantes de este juego se generan caras de personas que no existen (Karras et al., 2018), diseños y
# datos para entrenar otros modelos; también algunas falsificaciones de personas reales (*deepfakes*).

# %% [markdown] id="ideas-game-en" tags=["lang-en"]
# ## 2. The game
#
# A GAN (Goodfellow et al., 2014) sets two networks against each other, like a forger of banknotes and the police:
#
# - the **generator** $G$, the forger, turns latent vectors $z$ into samples $G(z)$;
# - the **discriminator** $D$, the police, receives a sample and gives the probability, between 0 and 1, that it is real.
#
# $D$ tries to answer 1 to what is real and 0 to what is generated; $G$ wants $D$ to be wrong. Each forgery detected teaches
# the forger what was wrong with it, and each one that passes makes the police look harder. It is a **minimax** game:
# $$\min_G \max_D V(D, G), \qquad V(D, G) = \mathbb{E}_{x \sim p_{\text{data}}}[\ln D(x)] + \mathbb{E}_{z \sim p_z}[\ln(1 - D(G(z)))].$$
# $V$ is the **value function** of the game, $p_{\text{data}}$ the distribution of real data, $p_z$ that of latent vectors, here
# $\mathcal{N}(0, I)$, and $\mathbb{E}$ the mean. $D$ makes both terms large: the first by saying “real” to what is real, the second
# by saying “generated” to what is generated. $G$ has a part in the second only, and makes it small.
# If $G$ imitated the data perfectly, the best that $D$ could do would be to say $1/2$ every time.
#
# $D$ and $G$ may be any networks whose sizes fit: $G$ maps a latent vector to something of the size of a sample, and $D$ maps
# something of that size to one number. Variants of this game generate faces of people who do not exist (Karras et al., 2018), designs, and
# data to train other models with; some forgeries of real people (*deepfakes*) are made that way too.

# %% [markdown] id="ideas-loss-es" tags=["lang-es"]
# ### Del juego a una pérdida
#
# Los dos jugadores se turnan: en cada lote (*batch*) de muestras mejora $D$ mientras $G$ está quieto, y después $G$ mientras lo está $D$.
# En el artículo, $D$ da $k$ pasos por cada uno de $G$; sus autores usaron $k = 1$, lo más barato, y aquí también.
#
# Para $D$ es una clasificación binaria como cualquier otra, con etiqueta $y = 1$ para lo real e $y = 0$ para lo generado. Su pérdida (*loss*) es
# la de esas tareas, la **entropía cruzada binaria** (*binary cross-entropy*, BCE):
# $$\text{BCE} = -\bigl[\, y \ln D(x) + (1 - y) \ln(1 - D(x)) \,\bigr], \quad \text{en promedio sobre las muestras.}$$
# Lo real deja solo el primer término; lo generado, solo el segundo. Con tantas muestras de una clase como de la otra, la media es $-V/2$,
# medido en ese lote: minimizar la BCE es maximizar $V$.

# %% [markdown] id="ideas-loss-en" tags=["lang-en"]
# ### From the game to a loss
#
# The two players take turns: with each batch (*lote*) of samples $D$ improves while $G$ holds still, and then $G$ while $D$ does.
# In the paper $D$ takes $k$ steps for each one of $G$; its authors used $k = 1$, the cheapest choice, and so do we.
#
# To $D$ this is a binary classification like any other, with label $y = 1$ for real and $y = 0$ for generated. Its loss (*pérdida*) is
# that of such tasks, **binary cross-entropy** (BCE):
# $$\text{BCE} = -\bigl[\, y \ln D(x) + (1 - y) \ln(1 - D(x)) \,\bigr], \quad \text{averaged over the samples.}$$
# What is real leaves the first term only, what is generated the second. With as many samples of one kind as of the other, the mean
# is $-V/2$, measured on that batch: to minimise BCE is to maximise $V$.

# %% id="plot-diagram"
diagrams.gan_architecture()

# %% id="claim-half-value" tags=["active-py", "claim"]
# es: Con tantas muestras de una clase como de la otra, la media es $-V/2$, medido en ese lote: …
# en: With as many samples of one kind as of the other, the mean is $-V/2$, measured on that batch: …
said_of_real, said_of_generated = torch.tensor([[0.9], [0.4]]), torch.tensor([[0.2], [0.7]])
value = said_of_real.log().mean() + (1 - said_of_generated).log().mean()
both = torch.cat([said_of_real, said_of_generated])
entropy = nn.BCELoss()(both, torch.tensor([[1.0], [1.0], [0.0], [0.0]]))
assert abs(entropy + value / 2) < 1e-6

# %% [markdown] id="train-data-text-es" tags=["lang-es"]
# ## 3. Los datos de entrenamiento (10 puntos)
#
# Escribe dos funciones:
#
# - `make_train_data(length)` devuelve un tensor de forma `(length, 2)`. La columna 0 tiene ángulos al azar, uniformes entre
#   $0$ y $2\pi$: sácalos de **una sola** llamada a `torch.rand(length)` para toda la columna. La columna 1 es su seno.
# - `make_train_set(train_data)` devuelve una lista con un par `(fila, etiqueta)` por cada fila, en orden. La etiqueta puede
#   ser 0, pero no `None`, que `DataLoader` no sabe juntar en lotes. Una GAN no la usa; nuestro ciclo recibe pares
#   `(muestra, etiqueta)`, como los de muchos conjuntos de imágenes.
#
# Pistas: `torch.zeros`, `torch.sin`, `math.pi`. `train_data[:, 0]` es la primera columna.

# %% [markdown] id="train-data-text-en" tags=["lang-en"]
# ## 3. The training data (10 marks)
#
# Write two functions:
#
# - `make_train_data(length)` returns a tensor of shape `(length, 2)`. Column 0 holds random angles, uniform between
#   $0$ and $2\pi$: take them from **one single** call of `torch.rand(length)` for the whole column. Column 1 is their sine.
# - `make_train_set(train_data)` returns a list with one pair `(row, label)` for each row, in order. The label may be 0,
#   but not `None`, which `DataLoader` cannot put into batches. A GAN does not use it; our loop receives pairs
#   `(sample, label)`, like those of many data sets of pictures.
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
    size = lab.supplied_size("length")
    small_angles, small_sines = column(make_train_data, 0), column(make_train_data, 1)
    checks.fingerprint("train_data.angles", small_angles, size, rounded=True, points=2)
    checks.fingerprint("train_data.sines", small_sines, size, rounded=True, points=3)
    checks.fingerprint(
        "train_data.points", make_train_data, size, shape=("length", 2), rounded=True, points=2
    )
    checks.dataset("train_set.pairs", loadable(make_train_set), sample_shape=(2,), points=3)
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

# %% [markdown] id="dropout-text-es" tags=["lang-es"]
# **¿Para qué el dropout?** $D$ tiene unos 42 000 parámetros y verá solo 1024 puntos reales, una y otra vez: podría aprendérselos de
# memoria (**sobreajuste**, *overfitting*), y entonces solo sus copias pasarían por reales. En cada paso, y para cada muestra,
# faltan otras neuronas, y las que quedan se multiplican por $1/0.7$ para que el promedio no cambie: ninguna puede contar con las demás,
# y eso ayuda a que lo que $D$ aprende valga también entre los puntos (Srivastava et al., 2014).
# Al final, según la semilla, se verá el problema contrario: un $D$ al que se le escapan diferencias que existen.

# %% [markdown] id="dropout-text-en" tags=["lang-en"]
# **What is the dropout for?** $D$ has some 42,000 parameters and will see only 1,024 real points, over and over: it could learn them by
# heart (**overfitting**, *sobreajuste*), and then only copies of them would pass for real. In every step, and
# for every sample, other units are missing, and those that stay are multiplied by $1/0.7$ so that the average does not change: none can
# count on the rest, which helps what $D$ learns to hold between the points too (Srivastava et al., 2014).
# In the end, depending on the seed, the opposite trouble shows: a $D$ that overlooks differences that exist.

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
        input_shape=(2,),
        output_shape=(1,),
        parameters=41_985,
        points=3,
    )
    checks.network_output(
        "discriminator.output", Discriminator, input_shape=(2,), low=0.0, high=1.0, points=5
    )
    checks.dropout("discriminator.dropout", Discriminator, input_shape=(2,), points=4)
checks.score

# %% id="claim-parameters" tags=["active-py", "claim"]
# es: $D$ tiene unos 42 000 parámetros y verá solo 1024 puntos reales, …
# en: $D$ has some 42,000 parameters and will see only 1,024 real points, …
assert round(sum(p.numel() for p in Discriminator().parameters()), -3) == 42_000

# %% [markdown] id="generator-text-es" tags=["lang-es"]
# ## 5. El generador (8 puntos)
#
# El generador lleva vectores latentes `(n, 2)` a puntos `(n, 2)`: dos capas ocultas de 16 y 32 neuronas con ReLU, y una salida
# **lineal** de 2. Lineal, porque una sigmoide o tanh al final daría a lo sumo 1, y el ángulo llega hasta $2\pi$. Aquí no hay dropout.

# %% [markdown] id="generator-text-en" tags=["lang-en"]
# ## 5. The generator (8 marks)
#
# The generator takes latent vectors `(n, 2)` to points `(n, 2)`: two hidden layers of 16 and 32 units with ReLU, and a
# **linear** output of 2. Linear, because a sigmoid or tanh at the end would give at most 1, and the angle goes up to $2\pi$. There is
# no dropout here.

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
        input_shape=(2,),
        output_shape=(2,),
        parameters=658,
        points=3,
    )
    checks.network_output("generator.output", Generator, input_shape=(2,), training=True, points=5)
checks.score

# %% [markdown] id="untrained-text-es" tags=["lang-es"]
# ¿Qué dibuja un generador que todavía no aprendió nada? Guardamos 500 vectores latentes **fijos** para este gráfico y para
# todos los fotogramas de la película de más abajo: así, lo que cambie de un fotograma a otro se debe al entrenamiento y no al azar.

# %% [markdown] id="untrained-text-en" tags=["lang-en"]
# What does a generator draw that has learned nothing yet? We keep 500 **fixed** latent vectors for this plot and
# for every frame of the film further down: so whatever changes from one frame to the next is due to training and not to chance.

# %% id="plot-untrained" tags=["raises-exception"]
torch.manual_seed(2023)
fixed_latent = torch.randn(500, 2, device=device)  # (500, 2)
untrained_generator = Generator().to(device)
first_points = untrained_generator(fixed_latent)  # (500, 2)
scatter(first_points, title="Un generador sin entrenar", reference=real_points, labels=("generado", "real"))  # es
scatter(first_points, title="An untrained generator", reference=real_points, labels=("generated", "real"))  # en

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

# %% id="discriminator-step-diagram"
diagrams.gan_discriminator_step()

# %% id="discriminator_step" nbgrader={"grade": false, "grade_id": "discriminator_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def discriminator_step(discriminator, generator, optimizer_discriminator, loss_function, real_samples):
    """es: Un paso de entrenamiento del discriminador; devuelve su pérdida."""
    """en: One training step of the discriminator; returns its loss."""
    ### BEGIN SOLUTION
    n = len(real_samples)
    latent_samples = torch.randn((n, 2), device=real_samples.device)  # (n, 2)
    generated_samples = generator(latent_samples).detach()  # (n, 2)
    all_samples = torch.cat([real_samples, generated_samples])  # (2n, 2)
    real_labels = torch.ones((n, 1), device=real_samples.device)  # (n, 1)
    generated_labels = torch.zeros((n, 1), device=real_samples.device)  # (n, 1)
    labels = torch.cat([real_labels, generated_labels])  # (2n, 1)

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
# Ahora mejora $G$, con $D$ quieto. Genera `batch_size` muestras, pásalas por $D$ y calcula la pérdida contra etiquetas iguales a **1**: $G$
# gana cuando $D$ dice «real». Aquí no va `.detach()`: el gradiente tiene que volver desde $D$ hasta $G$. $D$ no cambia,
# porque el optimizador que recibes solo mueve los parámetros de $G$. También aquí va `zero_grad()` antes de `backward()`.
# En este paso los gradientes de $D$ sí se acumulan, aunque nadie los use: por eso el paso de $D$ empieza por borrarlos.
#
# ¿Por qué unos, si el juego pide minimizar $\ln(1 - D(G(z)))$? Porque cuando $D$ reconoce lo generado con facilidad, $D(G(z)) \approx 0$,
# esa función es casi plana como función de lo que $D$ calcula antes de su sigmoide. Maximizar $\ln D(G(z))$, que es lo que hacen las
# etiquetas iguales a 1, empuja en el mismo sentido y con fuerza. Es la pérdida que no se satura (*non-saturating loss*), también de
# Goodfellow et al. (2014, sección 3): ya no es el minimax exacto, pero busca lo mismo.
#
# Toma los vectores latentes con `torch.randn((batch_size, 2), device=device)`.

# %% [markdown] id="generator-step-text-en" tags=["lang-en"]
# ## 7. The generator step (12 marks)
#
# Now improve $G$, while $D$ holds still. Generate `batch_size` samples, pass them through $D$ and compute the loss against labels
# of **one**: $G$ wins when $D$ says “real”. No `.detach()` here: the gradient has to come back from $D$ to $G$. $D$ does not
# change, because the optimiser you receive moves the parameters of $G$ only. Here too, `zero_grad()` comes before `backward()`.
# In this step the gradients of $D$ do pile up, though nobody uses them: that is why the step of $D$ begins by clearing them.
#
# Why ones, if the game asks to minimise $\ln(1 - D(G(z)))$? Because where $D$ recognises generated samples with ease,
# $D(G(z)) \approx 0$, that function is almost flat as a function of what $D$ computes before its sigmoid. Maximising
# $\ln D(G(z))$, which is what labels of one do, pushes in the same direction, and hard. This is the non-saturating loss, also of
# Goodfellow et al. (2014, section 3): no longer the exact minimax, but with the same aim.
#
# Draw the latent vectors with `torch.randn((batch_size, 2), device=device)`.

# %% id="claim-labels-of-one" tags=["active-py", "claim"]
# es: Porque cuando $D$ reconoce lo generado con facilidad, $D(G(z)) \approx 0$, esa función es casi plana …
# en: Because where $D$ recognises generated samples with ease, $D(G(z)) \approx 0$, that function is almost flat …
# es: Maximizar $\ln D(G(z))$, …, empuja en el mismo sentido y con fuerza.
# en: Maximising $\ln D(G(z))$, …, pushes in the same direction, and hard.
before_sigmoid = torch.tensor(0.01).logit().requires_grad_()
(minimised,) = torch.autograd.grad(torch.log(1 - torch.sigmoid(before_sigmoid)), before_sigmoid)
(maximised,) = torch.autograd.grad(torch.log(torch.sigmoid(before_sigmoid)), before_sigmoid)
assert abs(minimised) < 0.02
assert -minimised * maximised > 0 and maximised > 0.9

# %% id="generator-step-diagram"
diagrams.gan_generator_step()

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

# %% id="claim-gradients-pile-up" tags=["active-py", "claim"]
# es: En este paso los gradientes de $D$ sí se acumulan, aunque nadie los use: por eso el paso de $D$ empieza por borrarlos.
# en: In this step the gradients of $D$ do pile up, though nobody uses them: that is why the step of $D$ begins by clearing them.
idle, busy = Discriminator().to(device), Generator().to(device)
generator_step(idle, busy, torch.optim.Adam(busy.parameters(), lr=0.001), nn.BCELoss(), 8)
once = idle.model[0].weight.grad.clone()
generator_step(idle, busy, torch.optim.Adam(busy.parameters(), lr=0.001), nn.BCELoss(), 8)
assert once.norm() > 0 and (idle.model[0].weight.grad - once).norm() > 0

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

# %% [markdown] id="tools-text-es" tags=["lang-es"]
# Antes de reunirlo todo, dos herramientas. **Adam** (Kingma y Ba, 2015) sigue la media móvil (*moving average*) del gradiente de cada
# parámetro y la divide por la raíz de la media móvil de su cuadrado: así, la tasa de aprendizaje (*learning rate*) `lr` dice, más o menos,
# cuánto se mueve a lo sumo cada parámetro en un paso. Y `progress(range(num_epochs))` recorre los números de `range(num_epochs)` y
# muestra una barra con lo que falta; usarla es opcional.

# %% [markdown] id="tools-text-en" tags=["lang-en"]
# Before you bring it all together, two tools. **Adam** (Kingma and Ba, 2015) follows the moving average (*media móvil*) of each
# parameter's gradient and divides it by the root of the moving average of its square: so the learning rate (*tasa de aprendizaje*)
# `lr` says roughly how far each parameter moves, at most, in a step. And `progress(range(num_epochs))` runs through the numbers of
# `range(num_epochs)` and shows a bar of what is left; using it is up to you.

# %% [markdown] id="train-text-es" tags=["lang-es"]
# ## 8. El ciclo de entrenamiento (10 puntos)
#
# `train` reúne todo y **devuelve el historial** de pérdidas. Necesitas:
#
# - un `DataLoader` sobre `train_set`, con lotes de 32 y `shuffle=True`; si sobran filas, van en un último lote más corto;
# - la pérdida `nn.BCELoss()` y **dos** optimizadores `torch.optim.Adam` con `lr=0.001`, uno por red y solo con sus parámetros;
# - por cada época y cada lote `(real_samples, _)`: lleva `real_samples` al dispositivo, da un paso del discriminador y luego uno del
#   generador, y guarda ambas pérdidas con `history.record(discriminator=..., generator=...)`;
# - al final de cada época, si `on_epoch_end` no es `None`, llámalo con `(epoch, generator)`; la primera época es la 0.
#
# Los dos pasos llegan como argumentos: así el mismo ciclo sirve para otros pasos, y se califica por separado. Llámalos con los
# argumentos en el orden de sus definiciones; el `batch_size` del generador es el número de muestras reales del lote.

# %% [markdown] id="train-text-en" tags=["lang-en"]
# ## 8. The training loop (10 marks)
#
# `train` brings everything together and **returns the history** of losses. You need:
#
# - a `DataLoader` over `train_set`, with batches of 32 and `shuffle=True`; left-over rows go in a last, shorter batch;
# - the loss `nn.BCELoss()` and **two** optimisers `torch.optim.Adam` with `lr=0.001`, one per network and with its parameters only;
# - for each epoch and each batch `(real_samples, _)`: take `real_samples` to the device, do one discriminator step and then one
#   generator step, and keep both losses with `history.record(discriminator=..., generator=...)`;
# - at the end of each epoch, if `on_epoch_end` is not `None`, call it with `(epoch, generator)`; the first epoch is 0.
#
# The two steps come as arguments, so that the same loop works with other steps and is marked on its own. Call them with their arguments
# in the order of their definitions; the generator's `batch_size` is the number of real samples in the batch.

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
    training_checks.epoch_end("train.epoch_end", points=1)
    training_checks.optimizers("train.optimizers", points=3)
    training_checks.final_losses("train.final_losses", points=3)
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
        "sample.points",
        sample,
        small_generator,
        lab.supplied_size("num_samples"),
        shape=("num_samples", 2),
        detached=True,
        on_cpu=True,
        points=4,
    )
checks.score

# %% [markdown] id="run-text-es" tags=["lang-es"]
# ## 10. A entrenar
#
# Con todas las piezas listas, entrenamos de verdad: 1024 puntos, lotes de 32, es decir 32 pasos por época. `budget(...)` elige el número
# de épocas: 150 si lo ejecutas tú, en CPU o en GPU; 1 mientras se califica, cuando nadie mira los dibujos.
#
# Cada pocas épocas guardamos un fotograma de la película con los mismos vectores latentes fijos, y de seis épocas, además, los puntos
# (`stills`). De la época 10 copiamos las dos redes (`early`): más abajo veremos qué decía $D$ cuando $G$ todavía lo hacía mal.

# %% [markdown] id="run-text-en" tags=["lang-en"]
# ## 10. Training for real
#
# With all the parts in place we train for real: 1,024 points, batches of 32, that is 32 steps an epoch. `budget(...)` chooses the number
# of epochs: 150 when you run it, on a CPU or a GPU; 1 while the lab is graded, when nobody looks at the pictures.
#
# Every few epochs we keep a frame of the film, made from the same fixed latent vectors, and of six epochs the points too (`stills`).
# At epoch 10 we copy both networks (`early`): further down we shall see what $D$ said while $G$ still did badly.

# %% id="run" tags=["raises-exception"]
torch.manual_seed(111)
discriminator = Discriminator().to(device)
generator = Generator().to(device)
train_set = make_train_set(make_train_data(1024))
num_epochs = budget(cpu=150, cuda=150, grading=1, device=device)

film = GifRecorder(real_points)
early, stills = {}, {}


def watch(epoch, generator):
    with torch.no_grad():
        points = generator(fixed_latent).cpu()  # (500, 2)
    name = f"Época {epoch + 1}"  # es
    name = f"Epoch {epoch + 1}"  # en
    if epoch % 5 == 0 or epoch == num_epochs - 1:
        film.add(points, name)
    if epoch + 1 in (1, 10, 30, 70, 110, num_epochs):
        stills[name] = points
    if epoch + 1 == min(10, num_epochs):
        early["discriminator"], early["generator"] = copy.deepcopy((discriminator, generator))


history = train(
    discriminator, generator, train_set, num_epochs, discriminator_step, generator_step, watch
)

# %% id="claim-run" tags=["active-py", "claim"]
# es: … 1024 puntos, lotes de 32, es decir 32 pasos por época.
# en: … 1,024 points, batches of 32, that is 32 steps an epoch.
# es: Cada pocas épocas guardamos un fotograma de la película con los mismos vectores latentes fijos, y de seis épocas, además, los puntos (`stills`).
# en: Every few epochs we keep a frame of the film, made from the same fixed latent vectors, and of six epochs the points too (`stills`).
# of: untrained-text
# es: Guardamos 500 vectores latentes **fijos** para este gráfico y para todos los fotogramas de la película …
# en: We keep 500 **fixed** latent vectors for this plot and for every frame of the film …
assert len(train_set) == 1024
assert len(history.discriminator) == len(history.generator) == 32 * num_epochs
assert 1 < num_epochs / len(film) < 10
assert fixed_latent.shape == (500, 2)
assert "fixed_latent" in watch.__code__.co_names
assert len(stills) == 6 and all(len(points) == 500 for points in stills.values())

# %% [markdown] id="film-text-es" tags=["lang-es"]
# La película del entrenamiento (también queda en el archivo `lab1_sine_gan.gif`). Lo que se sale de sus ejes se cuenta en una esquina.
# Debajo, la misma nube en seis épocas, con ejes en los que caben todos los puntos.

# %% [markdown] id="film-text-en" tags=["lang-en"]
# The film of the training (also kept in the file `lab1_sine_gan.gif`). Points beyond its axes are counted in a corner.
# Below it, the same cloud in six epochs, on axes that hold all points.

# %% id="film" tags=["raises-exception"]
film.save("lab1_sine_gan.gif")

# %% id="stills" tags=["raises-exception"]
scatter_panels(stills, title="La misma nube en seis épocas (negro: la curva)", reference=real_points, columns=3, size=(3.4, 2.4), line=True)  # es
scatter_panels(stills, title="The same cloud in six epochs (black: the curve)", reference=real_points, columns=3, size=(3.4, 2.4), line=True)  # en

# %% [markdown] id="curves-text-es" tags=["lang-es"]
# ### Las curvas de pérdida
#
# La línea punteada es $\ln 2 \approx 0.693$: la pérdida de ambas redes si $D$ responde siempre $1/2$. Las dos rondan esa línea cuando $D$ apenas
# distingue lo real de lo generado. **Pero cuidado**: eso también pasa cuando $D$ todavía no aprendió nada. En el primer paso, con redes sin
# entrenar, las dos pérdidas ya están cerca de $\ln 2$, y ahí el generador no ha aprendido nada. Una pérdida «buena» no prueba nada sobre
# las muestras: por eso en este curso no se aprueba con un umbral de pérdida.
#
# El eje acaba en 1.5: con algunas semillas la pérdida de $G$ pasa de ahí en las primeras épocas, y esa parte no se ve.

# %% [markdown] id="curves-text-en" tags=["lang-en"]
# ### The loss curves
#
# The dashed line is $\ln 2 \approx 0.693$: the loss of both networks if $D$ always says $1/2$. Both stay around it when $D$ can hardly tell
# real from generated. **But beware**: the same happens while $D$ has not learned anything yet. In the first step, with untrained
# networks, both losses are close to $\ln 2$ already, and there the generator has learned nothing. A “good” loss proves nothing
# about the samples: that is why no loss threshold gives marks in this course.
#
# The axis ends at 1.5: with some seeds the loss of $G$ goes beyond it in the first epochs, and that part is not shown.

# %% id="curves" tags=["raises-exception"]
loss_curves(history, title="Pérdidas por paso (pálidas) y su media de 50 pasos", smooth=50, top=1.5)  # es
loss_curves(history, title="Losses per step (pale) and their mean over 50 steps", smooth=50, top=1.5)  # en

# %% id="first-losses" tags=["raises-exception"]
print(f"D: {history.discriminator[0]:.3f}, G: {history.generator[0]:.3f}")

# %% id="claim-losses" tags=["active-py", "claim"]
# es: La línea punteada es $\ln 2 \approx 0.693$: la pérdida de ambas redes si $D$ responde siempre $1/2$.
# en: The dashed line is $\ln 2 \approx 0.693$: the loss of both networks if $D$ always says $1/2$.
# es: **Pero cuidado**: eso también pasa cuando $D$ todavía no aprendió nada.
# en: **But beware**: the same happens while $D$ has not learned anything yet.
# es: En el primer paso, con redes sin entrenar, las dos pérdidas ya están cerca de $\ln 2$, …
# en: In the first step, with untrained networks, both losses are close to $\ln 2$ already, …
always_half = nn.BCELoss()(torch.full((10, 1), 0.5), torch.tensor([[0.0], [1.0]] * 5))
assert abs(always_half - 0.693) < 0.0005
assert abs(nn.BCELoss()(torch.full((10, 1), 0.5), torch.ones(10, 1)) - 0.693) < 0.0005
assert abs(history.discriminator[0] - math.log(2)) < 0.1
assert abs(history.generator[0] - math.log(2)) < 0.1

# %% id="claim-beyond-axis" tags=["active-py", "claim", "seed-dependent"]
# es: El eje acaba en 1.5: con algunas semillas la pérdida de $G$ pasa de ahí en las primeras épocas, y esa parte no se ve.
# en: The axis ends at 1.5: with some seeds the loss of $G$ goes beyond it in the first epochs, and that part is not shown.
assert max(history.generator[: 32 * 5]) > 1.5

# %% id="claim-undecided" tags=["active-py", "claim"]
# es: Las dos rondan esa línea cuando $D$ apenas distingue lo real de lo generado.
# en: Both stay around it when $D$ can hardly tell real from generated.
def says_real(points):
    discriminator.eval()
    with torch.no_grad():
        share = (discriminator(points.to(device)) > 0.5).float().mean()
    discriminator.train()
    return share


right = (says_real(real_points) + 1 - says_real(sample(generator, 1000))) / 2
last_discriminator, last_generator = (
    sum(losses[-320:]) / 320 for losses in (history.discriminator, history.generator)
)
assert right < 0.85
assert abs(last_discriminator - math.log(2)) < 0.3
assert abs(last_generator - math.log(2)) < 0.3

# %% [markdown] id="final-text-es" tags=["lang-es"]
# ### El resultado

# %% [markdown] id="final-text-en" tags=["lang-en"]
# ### The result

# %% id="final" tags=["raises-exception"]
generated_points = sample(generator, 1000)  # (1000, 2)
scatter(generated_points, title="Puntos generados y reales", reference=real_points, labels=("generado", "real"))  # es
scatter(generated_points, title="Generated and real points", reference=real_points, labels=("generated", "real"))  # en

# %% [markdown] id="quality-text-es" tags=["lang-es"]
# ### Métricas en vez de «se ve bien»
#
# Cuatro medidas, porque cada una, sola, se puede engañar:
#
# - **distancia**: la media de $|x_2 - \sin x_1|$. Sería 0 para un generador que repite siempre el mismo punto bueno;
# - **cobertura**: se parte $[0, 2\pi]$ en 32 tramos de $x_1$ iguales, y es la proporción de tramos con algún punto generado a menos de 0.2 de
#   la curva, en vertical. Un solo punto basta para cubrir un tramo;
# - **fuera**: la proporción de puntos con $x_1$ fuera de $[0, 2\pi]$. Allí no hay datos, pero el seno sigue, y la distancia no lo nota;
# - **Wasserstein**: la distancia de Wasserstein entre los $x_1$ generados y la distribución uniforme: cuánto habría que mover los puntos a lo
#   largo del eje, en promedio, para que quedaran repartidos por igual. No mira $x_2$.
#
# La referencia son puntos reales; mil ángulos al azar tampoco quedan repartidos del todo por igual. La última línea dice cuánto varía eso de un
# conjunto real a otro: diferencias de Wasserstein por debajo de 0.1 no significan nada. Los otros dos conjuntos son trampas: un
# montón en un solo punto con 32 sueltos, y dos períodos de la curva en vez de uno. Ambas tienen distancia 0 y cobertura completa.

# %% [markdown] id="quality-text-en" tags=["lang-en"]
# ### Metrics instead of “it looks good”
#
# Four measures, because each of them, alone, can be fooled:
#
# - **distance**: the mean of $|x_2 - \sin x_1|$. It would be 0 for a generator that repeats one good point forever;
# - **coverage**: $[0, 2\pi]$ is cut into 32 equal parts of $x_1$, and it is the share of parts that hold a generated point within 0.2 of
#   the curve, vertically. A single point is enough to cover a part;
# - **outside**: the share of points with $x_1$ outside $[0, 2\pi]$. There are no data there, but the sine goes on, and distance
#   does not notice;
# - **Wasserstein**: the Wasserstein distance between the generated $x_1$ and the uniform distribution: how far points would have to
#   move along the axis, on average, to be spread evenly. It does not look at $x_2$.
#
# The reference is real points; a thousand random angles are not spread quite evenly either. The last line says how much that varies from
# one real set to the next: differences of Wasserstein below 0.1 mean nothing. The other two sets are cheats: a heap
# in one place with 32 stray points, and two periods of the curve instead of one. Both have distance 0 and full coverage.

# %% id="quality-real"
one_per_part = torch.linspace(0.1, 2 * math.pi - 0.1, 32)  # (32,)
heap = torch.cat([torch.full((968,), math.pi), one_per_part])  # (1000,)
two_periods = torch.linspace(0, 4 * math.pi, 1000)  # (1000,)

print("reales:      ", sine_quality(real_points))  # es
print("montón:      ", sine_quality(torch.stack([heap, heap.sin()], dim=1)))  # es
print("dos períodos:", sine_quality(torch.stack([two_periods, two_periods.sin()], dim=1)))  # es
print("real:       ", sine_quality(real_points))  # en
print("heap:       ", sine_quality(torch.stack([heap, heap.sin()], dim=1)))  # en
print("two periods:", sine_quality(torch.stack([two_periods, two_periods.sin()], dim=1)))  # en

of_real = torch.tensor([sine_quality(sine_points(1000, seed=seed)).wasserstein for seed in range(20)])  # (20,)
print(f"Wasserstein de 20 conjuntos reales: {of_real.mean():.2f} ± {of_real.std():.2f}")  # es
print(f"Wasserstein of 20 real sets: {of_real.mean():.2f} ± {of_real.std():.2f}")  # en

# %% id="claim-measures" tags=["active-py", "claim"]
# es: Cuatro medidas, porque cada una, sola, se puede engañar: …
# en: Four measures, because each of them, alone, can be fooled: …
# es: Sería 0 para un generador que repite siempre el mismo punto bueno; …
# en: It would be 0 for a generator that repeats one good point forever; …
# es: Un solo punto basta para cubrir un tramo; …
# en: A single point is enough to cover a part; …
# es: Allí no hay datos, pero el seno sigue, y la distancia no lo nota; …
# en: There are no data there, but the sine goes on, and distance does not notice; …
# es: Ambas tienen distancia 0 y cobertura completa.
# en: Both have distance 0 and full coverage.
# es: … mil ángulos al azar tampoco quedan repartidos del todo por igual.
# en: … a thousand random angles are not spread quite evenly either.
# es: La última línea dice cuánto varía eso de un conjunto real a otro: diferencias de Wasserstein por debajo de 0.1 no significan nada.
# en: The last line says how much that varies from one real set to the next: differences of Wasserstein below 0.1 mean nothing.
one_good_point = sine_quality(torch.tensor([[math.pi / 2, 1.0]] * 1000))
assert one_good_point.distance < 1e-6
assert one_good_point.coverage == 1 / 32
assert sine_quality(torch.tensor([[1.0, math.sin(1.0) + 0.19]])).coverage == 1 / 32
assert sine_quality(torch.tensor([[1.0, math.sin(1.0) + 0.21]])).coverage == 0
for angles in (heap, two_periods):
    cheat = sine_quality(torch.stack([angles, angles.sin()], dim=1))
    assert cheat.distance < 1e-6 and cheat.coverage == 1
    assert cheat.wasserstein > 1.4
assert 0.49 < cheat.outside < 0.51
assert sine_quality(real_points).outside == 0
assert 0.02 < sine_quality(real_points).wasserstein < 0.15
assert of_real.min() > 0.02 and 0.06 < of_real.max() - of_real.min() < 0.1

# %% [markdown] id="quality-ours-es" tags=["lang-es"]
# Y ahora lo nuestro. Fíjate en el generador sin entrenar: amontona todo cerca del origen, por donde pasa la curva, así que su distancia es de
# unas décimas a lo sumo, con algunas semillas menor que la del entrenado; lo delatan la cobertura y Wasserstein. Y recuerda
# las pérdidas del entrenado: acabaron cerca de $\ln 2$, y su distancia sigue lejos de 0.

# %% [markdown] id="quality-ours-en" tags=["lang-en"]
# And now ours. Look at the untrained generator: it piles everything up near the origin, where the curve passes, so its distance is a
# few tenths at most, with some seeds smaller than that of the trained one; coverage and Wasserstein give it away. And remember
# the losses of the trained one: they ended close to $\ln 2$, and its distance is still far from 0.

# %% id="quality" tags=["raises-exception"]
untrained_points = sample(untrained_generator, 1000)  # (1000, 2)
print("sin entrenar:", sine_quality(untrained_points))  # es
print("entrenado:   ", sine_quality(generated_points))  # es
print("untrained:", sine_quality(untrained_points))  # en
print("trained:  ", sine_quality(generated_points))  # en

# %% id="claim-untrained" tags=["active-py", "claim"]
# es: Fíjate en el generador sin entrenar: … su distancia es de unas décimas a lo sumo, …; lo delatan la cobertura y Wasserstein.
# en: Look at the untrained generator: … its distance is a few tenths at most, …; coverage and Wasserstein give it away.
# es: Y recuerda las pérdidas del entrenado: acabaron cerca de $\ln 2$, y su distancia sigue lejos de 0.
# en: And remember the losses of the trained one: they ended close to $\ln 2$, and its distance is still far from 0.
untrained, trained = sine_quality(untrained_points), sine_quality(generated_points)
assert untrained_points.norm(dim=1).max() < 1.5
assert untrained.distance < 0.5
assert untrained.coverage < 0.15
assert untrained.coverage < trained.coverage / 3
assert untrained.wasserstein > 2 > 1.5 > trained.wasserstein
for losses in (history.discriminator, history.generator):
    assert abs(sum(losses[-320:]) / 320 - math.log(2)) < 0.3
assert trained.distance > 0.05

# %% id="claim-untrained-nearer" tags=["active-py", "claim", "seed-dependent"]
# es: Fíjate en el generador sin entrenar: … con algunas semillas menor que la del entrenado; …
# en: Look at the untrained generator: … with some seeds smaller than that of the trained one; …
assert sine_quality(untrained_points).distance < sine_quality(generated_points).distance

# %% [markdown] id="seeds-text-es" tags=["lang-es"]
# ### ¿Y con otra semilla?
#
# Un solo entrenamiento puede ser suerte, buena o mala. Entrenamos tus redes otra vez, con tus pasos y tu `train`, desde tres semillas (en los
# gráficos, «sin cambios»). Y después, desde las mismas semillas y con el mismo número de épocas, con tres cambios en los optimizadores:
#
# - `betas=(0.5, 0.99)`: las medias móviles de Adam olvidan antes. En un juego conviene: el gradiente de ayer respondía a un rival que
#   ya cambió (Radford et al., 2016, también bajaron el primer número a 0.5);
# - tasas más altas, y la de $D$, el doble de la de $G$, para que $D$ juzgue a $G$ tal como es ahora. Dos tasas separadas son también la idea de
#   Heusel et al. (2017);
# - ambas tasas bajan poco a poco hasta 0: cada jugador cambia el problema del otro, y con pasos igual de largos hasta el final pueden seguir dando
#   vueltas.
#
# Los tres cambios se hacen a la vez: el experimento dice si juntos ayudan, y no cuál de ellos ayuda; parte de la mejora puede deberse solo a las tasas más
# altas. `train_steadily` usa tu `train` con otros pasos: los tuyos, pero con sus propios optimizadores.

# %% [markdown] id="seeds-text-en" tags=["lang-en"]
# ### And with another seed?
#
# A single run may be luck, good or bad. We train your networks again, with your steps and your `train`, from three seeds (“unchanged” in
# the plots). And then, from the same seeds and for as many epochs, with three changes to the optimisers:
#
# - `betas=(0.5, 0.99)`: Adam's moving averages forget sooner. That suits a game: yesterday's gradient answered a rival who has
#   changed since (Radford et al., 2016, lowered the first number to 0.5 too);
# - higher learning rates, that of $D$ twice that of $G$, so that $D$ judges $G$ as it is now. Two separate rates are the idea of
#   Heusel et al. (2017) too;
# - both rates fall to 0 little by little: each player changes the other's problem, and with steps as long as ever they may keep going round
#   in circles.
#
# All three are made at once: the experiment says whether together they help, not which of them does; part of the gain may be due to the higher rates
# alone. `train_steadily` uses your `train` with other steps: your own, but with optimisers of their own.

# %% id="steady"
def train_plainly(seed, num_epochs):
    """es: Entrena como hasta ahora; devuelve las dos redes."""
    """en: Train as before; return both networks."""
    torch.manual_seed(seed)
    discriminator, generator = Discriminator().to(device), Generator().to(device)
    train_set = make_train_set(make_train_data(1024))
    train(discriminator, generator, train_set, num_epochs, discriminator_step, generator_step)
    return discriminator, generator


def train_steadily(seed, num_epochs):
    """es: Entrena con otros optimizadores, cuyas tasas bajan hasta 0; devuelve las dos redes."""
    """en: Train with other optimisers, whose rates fall to 0; return both networks."""
    torch.manual_seed(seed)
    discriminator, generator = Discriminator().to(device), Generator().to(device)
    train_set = make_train_set(make_train_data(1024))
    optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=0.006, betas=(0.5, 0.99))
    optimizer_g = torch.optim.Adam(generator.parameters(), lr=0.003, betas=(0.5, 0.99))
    fall = {"start_factor": 1.0, "end_factor": 0.0, "total_iters": num_epochs}
    rates = [torch.optim.lr_scheduler.LinearLR(optimizer, **fall) for optimizer in (optimizer_d, optimizer_g)]

    def step_d(discriminator, generator, optimizer_discriminator, loss_function, real_samples):
        return discriminator_step(discriminator, generator, optimizer_d, loss_function, real_samples)

    def step_g(discriminator, generator, optimizer_generator, loss_function, batch_size):
        return generator_step(discriminator, generator, optimizer_g, loss_function, batch_size)

    def lower_rates(epoch, generator):
        for rate in rates:
            rate.step()

    train(discriminator, generator, train_set, num_epochs, step_d, step_g, lower_rates)
    return discriminator, generator

# %% id="seeds" tags=["raises-exception"]
num_seed_epochs = budget(cpu=70, cuda=70, grading=1, device=device)
plain = {seed: train_plainly(seed, num_seed_epochs) for seed in (1, 2, 3)}
steady = {seed: train_steadily(seed, num_seed_epochs) for seed in (1, 2, 3)}

# %% id="plot-seeds" tags=["raises-exception"]
runs = {"sin cambios, semilla": plain, "tres cambios, semilla": steady}  # es
runs = {"unchanged, seed": plain, "three changes, seed": steady}  # en
panels = {
    f"{name} {seed}": sample(generator_of_seed, 1000)  # (1000, 2)
    for name, networks in runs.items()
    for seed, (_, generator_of_seed) in networks.items()
}
scatter_panels(panels, title="Las mismas semillas y épocas (negro: la curva)", reference=real_points, columns=3, size=(3.2, 2.2), line=True)  # es
scatter_panels(panels, title="The same seeds and epochs (black: the curve)", reference=real_points, columns=3, size=(3.2, 2.2), line=True)  # en

# %% id="table-seeds" tags=["raises-exception"]
qualities = [sine_quality(points) for points in panels.values()]
rows = [(f"{q.distance:.3f}", f"{q.coverage:.0%}", f"{q.outside:.1%}", f"{q.wasserstein:.2f}") for q in qualities]
table(("distancia", "cobertura", "fuera", "Wasserstein"), rows, names=list(panels))  # es
table(("distance", "coverage", "outside", "Wasserstein"), rows, names=list(panels))  # en

# %% [markdown] id="seeds-result-es" tags=["lang-es"]
# Sin los cambios, cada semilla da otro dibujo. Con los tres cambios, la distancia cae con las tres semillas: a menos de la mitad, y por debajo de 0.1. No todo mejora siempre: con algunas semillas queda sin cubrir un trozo de la curva, o caen más puntos fuera que antes. Lo que mejora con las tres semillas ya no parece suerte; un
# solo entrenamiento no lo habría mostrado.
#
# Compara también los generadores sin los cambios, entrenados 70 épocas, con el de la película, entrenado 150: con algunas semillas son ellos los que quedan más cerca de la curva. Más épocas no aseguran un resultado mejor: en este juego no hay una pérdida común que baje.

# %% [markdown] id="seeds-result-en" tags=["lang-en"]
# Without the changes each seed gives another picture. With the three changes the distance falls with all three seeds: to less than half, and below 0.1. Not everything improves every time: with some seeds a part of the curve stays uncovered, or more points lie outside than before. An improvement seen with all three seeds no longer
# looks like luck; a single run would not have shown it.
#
# Compare, too, the generators without the changes, trained for 70 epochs, with that of the film, trained for 150: with some seeds it is they that end closer to the curve. More epochs do not ensure a better result: this game has no common loss that falls.

# %% id="claim-seeds" tags=["active-py", "claim"]
# es: Con los tres cambios, la distancia cae con las tres semillas: …
# en: With the three changes the distance falls with all three seeds: …
# es: Lo que mejora con las tres semillas ya no parece suerte; …
# en: An improvement seen with all three seeds no longer looks like luck; …
for before, after in zip(qualities[:3], qualities[3:], strict=True):
    assert after.distance < 0.1
    assert after.distance < 0.8 * before.distance
    assert after.coverage > 0.85

# %% id="claim-seeds-half" tags=["active-py", "claim"]
# es: Con los tres cambios, la distancia cae con las tres semillas: a menos de la mitad, y por debajo de 0.1.
# en: With the three changes the distance falls with all three seeds: to less than half, and below 0.1.
for with_one, with_other in zip(qualities[:3], qualities[3:], strict=True):
    assert with_other.distance < 0.5 * with_one.distance and with_other.distance < 0.1

# %% id="claim-seeds-worse" tags=["active-py", "claim", "seed-dependent"]
# es: No todo mejora siempre: con algunas semillas queda sin cubrir un trozo de la curva, o caen más puntos fuera que antes.
# en: Not everything improves every time: with some seeds a part of the curve stays uncovered, or more points lie outside than before.
seeds_before, seeds_after = qualities[:3], qualities[3:]
worse = [after.outside > before.outside for before, after in zip(seeds_before, seeds_after, strict=True)]
assert any(worse) or min(after.coverage for after in seeds_after) < 1

# %% id="claim-more-epochs" tags=["active-py", "claim", "seed-dependent"]
# es: Compara también los generadores sin los cambios, entrenados 70 épocas, con el de la película, entrenado 150: con algunas semillas son ellos los que quedan más cerca de la curva.
# en: Compare, too, the generators without the changes, trained for 70 epochs, with that of the film, trained for 150: with some seeds it is they that end closer to the curve.
assert num_seed_epochs == 70 and num_epochs == 150
assert min(quality.distance for quality in qualities[:3]) < sine_quality(generated_points).distance

# %% id="claim-seeds-differ" tags=["active-py", "claim"]
# es: Sin los cambios, cada semilla da otro dibujo.
# en: Without the changes each seed gives another picture.
before, after = ([quality.distance for quality in part] for part in (qualities[:3], qualities[3:]))
assert max(before) - min(before) > 0.01
assert max(before) - min(before) > max(after) - min(after)

# %% id="claim-shape" tags=["active-py", "claim"]
# of: title
# es: … dos redes pequeñas que compiten hasta que una de ellas aprende a dibujar, mejor o peor, la curva seno.
# en: … two small networks that compete until one of them learns to draw, more or less well, the sine curve.
assert torch.corrcoef(torch.stack([generated_points[:, 1], generated_points[:, 0].sin()]))[0, 1] > 0.8

# %% id="claim-good-loss" tags=["active-py", "claim"]
# of: curves-text
# es: Una pérdida «buena» no prueba nada sobre las muestras: …
# en: A “good” loss proves nothing about the samples: …
assert abs(history.generator[0] - math.log(2)) < 0.1
assert sine_quality(untrained_points).coverage < 0.15

# %% [markdown] id="map-text-es" tags=["lang-es"]
# ### Lo que ve el discriminador
#
# $D$ da una probabilidad en cada punto del plano, así que se puede pintar. ¿Y qué debería decir? Con $G$ quieto, el mejor
# discriminador es (Goodfellow et al., 2014)
# $$D^*(x) = \frac{p_{\text{data}}(x)}{p_{\text{data}}(x) + p_G(x)},$$
# donde $p_G$ es la densidad de lo generado: de todo lo que cae en $x$, la parte que es real. Donde solo hay puntos reales vale 1; donde
# solo los hay generados, 0; donde unos son tan densos como los otros, $1/2$.
#
# De los datos sabemos todo, pero no tienen densidad en el plano: son una línea sin grosor. De lo generado solo tenemos muestras: una GAN no da
# el valor de $p_G(x)$. Por eso **estimamos** ambas densidades con mil puntos de cada clase, y cada punto cuenta como una pequeña campana de
# Gauss de ancho 0.25. No es el $D^*$ exacto, que diría 1 en la línea y 0 fuera: a esta escala, lo que está mucho más cerca que 0.25 no se distingue.

# %% [markdown] id="map-text-en" tags=["lang-en"]
# ### What the discriminator sees
#
# $D$ gives a probability at each point of the plane, so it can be painted. And what should it say? With $G$ held still, the best
# discriminator is (Goodfellow et al., 2014)
# $$D^*(x) = \frac{p_{\text{data}}(x)}{p_{\text{data}}(x) + p_G(x)},$$
# where $p_G$ is the density of what is generated: of all that falls on $x$, the share that is real. It is 1 where there are real
# points only, 0 where there are generated ones only, and $1/2$ where both are equally dense.
#
# Of the data we know everything, but they have no density in the plane: they are a line without thickness. Of what is generated we have
# samples only: a GAN does not give the value of $p_G(x)$. So we **estimate** both densities from a thousand points of each kind, and each
# point counts as a small Gaussian bell of width 0.25. That is not the exact $D^*$, which would say 1 on the line and 0 off it: at this scale,
# what lies much closer than 0.25 cannot be told apart.

# %% id="density"
def density(places, points, width=0.25):
    """es: Densidad de unos puntos (m, 2), estimada en cada lugar (n, 2): (n,)."""
    """en: Density of points (m, 2), estimated at each place (n, 2): (n,)."""
    bells = torch.exp(-(torch.cdist(places, points) ** 2) / (2 * width**2))  # (n, m)
    return bells.mean(dim=1) / (2 * math.pi * width**2)


def best_against(generated):
    """es: D* ante estos puntos generados, como función: (n, 2) -> (n,); sin valor donde no hay puntos."""
    """en: D* against these generated points, as a function: (n, 2) -> (n,); no value where there are no points."""

    def estimate(places):
        real, fake = density(places, real_points), density(places, generated)
        return torch.where(real + fake > 0.005, real / (real + fake), torch.nan)

    return estimate


def judged_by(network):
    """es: Lo que dice una red, sin dropout, como función: (n, 2) -> (n, 1)."""
    """en: What a network says, without dropout, as a function: (n, 2) -> (n, 1)."""
    judge = copy.deepcopy(network).eval()
    return lambda places: judge(places.to(device))

# %% id="map" tags=["raises-exception"]
early_points, steady_points = sample(early["generator"], 1000), sample(steady[1][1], 1000)  # (1000, 2) each
judgements = {
    "época 10": (early["discriminator"], early_points),  # es
    "época 150": (discriminator, generated_points),  # es
    "tres cambios,\nsemilla 1": (steady[1][0], steady_points),  # es
    "epoch 10": (early["discriminator"], early_points),  # en
    "epoch 150": (discriminator, generated_points),  # en
    "three changes,\nseed 1": (steady[1][0], steady_points),  # en
}
maps = {name: (points, (judged_by(judge), best_against(points))) for name, (judge, points) in judgements.items()}
options = {"real": real_points, "xlim": (-1, 8)}
probability_maps(maps, columns=("$D$", "$D^*$ (estimación)"), title="Probabilidad de que un punto sea real", legend=("real", "generado"), **options)  # es
probability_maps(maps, columns=("$D$", "$D^*$ (estimate)"), title="Probability that a point is real", legend=("real", "generated"), **options)  # en

# %% [markdown] id="map-numbers-text-es" tags=["lang-es"]
# Lo mismo en números: el promedio de $D$ y el de $D^*$, ante mil puntos reales $x$ y ante mil generados $G(z)$.

# %% [markdown] id="map-numbers-text-en" tags=["lang-en"]
# The same in numbers: the mean of $D$ and that of $D^*$, over a thousand real points $x$ and over a thousand generated ones $G(z)$.

# %% id="map-numbers" tags=["raises-exception"]
def mean_of(function, points):
    """es: El promedio de lo que dice una función de unos puntos (n, 2), donde dice algo."""
    """en: The mean of what a function says of points (n, 2), where it says something."""
    with torch.no_grad():
        return function(points).nanmean().item()


means = [
    [mean_of(function, places) for function in functions for places in (real_points, points)]
    for points, functions in maps.values()
]
rows = [[f"{mean:.2f}" for mean in row] for row in means]
table(("D(x)", "D(G(z))", "D*(x)", "D*(G(z))"), rows, names=[name.replace("\n", " ") for name in maps])

# %% [markdown] id="map-seen-es" tags=["lang-es"]
# Azul es real; naranja, generado; blanco, imposible de decir; gris, donde no hay puntos y la estimación calla.
#
# - En la **época 10**, $D$ ya da en promedio más probabilidad a lo real que a lo generado, como $D^*$, pero todavía los
#   separa menos.
# - En la **época 150**, $D$ es casi blanco junto a los puntos. Sus pérdidas están cerca de $\ln 2$, y eso puede decir dos cosas: que $G$ ya es bueno, o que a
#   este $D$ se le escapa la diferencia. Compara en la tabla: si $D^*$ separa más que $D$, algo se le escapa; cuánto, depende de la semilla.
# - Con los **tres cambios** (semilla 1) también $D^*$ está cerca de $1/2$ sobre los puntos: con campanas de ancho 0.25, varias veces la
#   distancia media de estos puntos a la curva, queda poco que distinguir, salvo en el extremo derecho.
#
# Los ejes acaban en $x_1 = 8$: lo que queda a su derecha no se dibuja. Lejos de los puntos, el color de $D$ no dice nada: allí ya no lo corrige nadie.

# %% [markdown] id="map-seen-en" tags=["lang-en"]
# Blue is real, orange generated, white impossible to tell; grey, where there are no points, the estimate is silent.
#
# - In **epoch 10** $D$ gives on average a higher probability to what is real than to what is generated, as $D^*$ does, but does not
#   yet set them as far apart.
# - In **epoch 150** $D$ is almost white near the points. Its losses lie near $\ln 2$, and that can mean two things: that $G$ is good by now, or that this
#   $D$ overlooks the difference. Compare in the table: if $D^*$ sets them further apart than $D$ does, something is overlooked; how much depends on the seed.
# - With the **three changes** (seed 1) $D^*$ is close to $1/2$ on the points too: with bells of width 0.25, several times the mean distance of
#   these points from the curve, little is left to tell apart, except at the right end.
#
# The axes end at $x_1 = 8$: what lies to the right of it is not drawn. Far from the points the colour of $D$ says nothing: nobody corrects it there any more.

# %% id="claim-maps" tags=["active-py", "claim"]
# es: En la **época 10**, $D$ ya da en promedio más probabilidad a lo real que a lo generado, como $D^*$, pero todavía los separa menos.
# en: In **epoch 10** $D$ gives on average a higher probability to what is real than to what is generated, as $D^*$ does, but does not yet set them as far apart.
# es: En la **época 150**, $D$ es casi blanco junto a los puntos.
# en: In **epoch 150** $D$ is almost white near the points.
# es: Sus pérdidas están cerca de $\ln 2$, y eso puede decir dos cosas: que $G$ ya es bueno, o que a este $D$ se le escapa la diferencia.
# en: Its losses lie near $\ln 2$, and that can mean two things: that $G$ is good by now, or that this $D$ overlooks the difference.
# es: Con los **tres cambios** (semilla 1) también $D^*$ está cerca de $1/2$ sobre los puntos: con campanas de ancho 0.25, varias veces la distancia media de estos puntos a la curva, queda poco que distinguir, salvo en el extremo derecho.
# en: With the **three changes** (seed 1) $D^*$ is close to $1/2$ on the points too: with bells of width 0.25, several times the mean distance of these points from the curve, little is left to tell apart, except at the right end.
young_gap, young_best_gap = means[0][0] - means[0][1], means[0][2] - means[0][3]
assert 0.02 < young_gap < young_best_gap
last_gap, last_best_gap = means[1][0] - means[1][1], means[1][2] - means[1][3]
assert last_gap < 0.25
both_kinds = torch.cat([real_points, generated_points])
with torch.no_grad():
    assert (judged_by(discriminator)(both_kinds) - 0.5).abs().mean() < 0.15
for last_steps in (history.discriminator[-320:], history.generator[-320:]):
    assert abs(sum(last_steps) / 320 - math.log(2)) < 0.3
assert sine_quality(generated_points).distance > 0.05
with torch.no_grad():
    on_real = (best_against(steady_points)(real_points) - 0.5).abs()
assert on_real.nanmean() < 0.1
assert on_real[real_points[:, 0] > 5.8].nanmean() > on_real.nanmean() + 0.02
assert sine_quality(steady_points).distance < 0.25 / 2.5

# %% id="claim-overlooked" tags=["active-py", "claim", "seed-dependent"]
# es: Compara en la tabla: si $D^*$ separa más que $D$, algo se le escapa; cuánto, depende de la semilla.
# en: Compare in the table: if $D^*$ sets them further apart than $D$ does, something is overlooked; how much depends on the seed.
# of: dropout-text
# es: Al final, según la semilla, se verá el problema contrario: un $D$ al que se le escapan diferencias que existen.
# en: In the end, depending on the seed, the opposite trouble shows: a $D$ that overlooks differences that exist.
assert means[1][2] - means[1][3] > means[1][0] - means[1][1] + 0.02

# %% [markdown] id="questions-text-es" tags=["lang-es"]
# ## 11. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras: de dos a cinco frases por respuesta, ejemplos incluidos.
#
# **Pregunta 1 (8 puntos).** Describe en una frase la diferencia entre los modelos discriminativos y los generativos, y da
# un ejemplo de cada uno.

# %% [markdown] id="questions-text-en" tags=["lang-en"]
# ## 11. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words: two to five sentences an answer, examples included.
#
# **Question 1 (8 marks).** Describe in one sentence the difference between discriminative and generative models, and give
# an example of each.

# %% [markdown] id="question_models" nbgrader={"grade": true, "grade_id": "question_models", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Un modelo discriminativo aprende P(y | x), la etiqueta de un dato que ya existe; uno generativo aprende P(x), cómo son los datos (o P(x | y), si tienen etiquetas), y por eso puede crear otros nuevos. Un clasificador de dígitos es discriminativo; el generador de este laboratorio, que convierte azar en puntos de la curva, es generativo.
# en: A discriminative model learns P(y | x), the label of a sample that exists already; a generative one learns P(x), what the data are like (or P(x | y), if they have labels), and so it can make new ones. A classifier of digits is discriminative; the generator of this lab, which turns random numbers into points of the curve, is generative.
# ### END SOLUTION

# %% [markdown] id="question-minimax-text-es" tags=["lang-es"]
# **Pregunta 2 (7 puntos).** Explica cómo se aplica la idea de minimax a las GAN: quiénes juegan, qué quiere cada uno y cuándo
# ninguno puede mejorar.

# %% [markdown] id="question-minimax-text-en" tags=["lang-en"]
# **Question 2 (7 marks).** Explain how the idea of minimax applies to GANs: who plays, what each one wants, and when neither can
# improve.

# %% [markdown] id="question_minimax" nbgrader={"grade": true, "grade_id": "question_minimax", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: El discriminador maximiza la función de valor V (acertar qué es real) y el generador la minimiza (hacer que se equivoque). El equilibrio llega cuando lo generado tiene la misma distribución que lo real: entonces lo mejor que puede decir el discriminador es 1/2 para todo.
# en: The discriminator maximises the value function V (being right about what is real) and the generator minimises it (making it err). The equilibrium is reached when what is generated has the same distribution as what is real: the best that the discriminator can say then is 1/2 for everything.
# ### END SOLUTION

# %% [markdown] id="question-gif-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** Describe lo que se observa en la película: el comienzo, cómo evoluciona y qué le falta al final.

# %% [markdown] id="question-gif-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** Describe what the film shows: the beginning, how it evolves, and what is still missing in the end.

# %% [markdown] id="question_gif" nbgrader={"grade": true, "grade_id": "question_gif", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Al comienzo todos los puntos están amontonados en una mancha pequeña, cerca del origen. En las primeras épocas la nube se estira hasta más allá del final de los datos; después se recoge y se dobla hasta seguir la curva. Al final tiene la forma del seno, pero los puntos se apartan de la curva en varios tramos, unas zonas son más densas que otras y algunos puntos se pasan del extremo derecho.
# en: In the beginning all points are heaped up in a small blob near the origin. In the first epochs the cloud stretches beyond the end of the data; then it gathers and bends until it follows the curve. In the end it has the shape of the sine, but in several stretches the points stray from the curve, some regions are denser than others, and some points go beyond the right end.
# ### END SOLUTION

# %% id="claim-film" tags=["active-py", "claim"]
# es: Al comienzo todos los puntos están amontonados en una mancha pequeña, cerca del origen.
# en: In the beginning all points are heaped up in a small blob near the origin.
# es: En las primeras épocas la nube se estira hasta más allá del final de los datos; después se recoge y se dobla hasta seguir la curva.
# en: In the first epochs the cloud stretches beyond the end of the data; then it gathers and bends until it follows the curve.
first, tenth, thirtieth, *_, last = stills.values()


def sine_correlation(points):
    return torch.corrcoef(torch.stack([points[:, 1], points[:, 0].sin()]))[0, 1]


def reach(points):
    return max(points[:, 0].max(), 0)


assert first.norm(dim=1).quantile(0.9) < 1.5 and first.std(dim=0).max() < 0.5
assert max(reach(tenth), reach(thirtieth)) > 2 * math.pi + 0.5
assert tenth[:, 0].std() > 4 * first[:, 0].std()
assert reach(last) < max(reach(tenth), reach(thirtieth)) - 0.5
assert sine_correlation(tenth) < 0.8 and sine_correlation(thirtieth) < 0.8 < sine_correlation(last)

# %% id="claim-end-of-film" tags=["active-py", "claim"]
# es: Al final tiene la forma del seno, pero los puntos se apartan de la curva en varios tramos, unas zonas son más densas que otras y algunos puntos se pasan del extremo derecho.
# en: In the end it has the shape of the sine, but in several stretches the points stray from the curve, some regions are denser than others, and some points go beyond the right end.
angles = generated_points[:, 0]
in_parts = torch.histc(angles, 32, 0, 2 * math.pi)
off = (generated_points[:, 1] - angles.sin()).abs()
in_octants = [off[(angles >= part) & (angles < part + math.pi / 4)] for part in torch.arange(8) * math.pi / 4]
assert torch.corrcoef(torch.stack([generated_points[:, 1], angles.sin()]))[0, 1] > 0.8
assert sum(len(part) > 0 and part.mean() > 0.05 for part in in_octants) >= 3
assert in_parts.max() > 1.5 * in_parts.median()
assert 0 < (angles > 2 * math.pi).sum() < 200

# %% [markdown] id="question-quality-text-es" tags=["lang-es"]
# **Pregunta 4 (8 puntos).** ¿Es un buen modelo el de la película? Argumenta con las cuatro medidas, y di por qué las curvas de pérdida no
# bastan para decidirlo.

# %% [markdown] id="question-quality-text-en" tags=["lang-en"]
# **Question 4 (8 marks).** Is the model of the film a good one? Argue with the four measures, and say why the loss curves are not
# enough to decide it.

# %% [markdown] id="question_quality" nbgrader={"grade": true, "grade_id": "question_quality", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Aprendió la forma aproximada de los datos, pero no es bueno del todo. A favor: la cobertura sube de casi nada a una buena parte de la curva, Wasserstein baja a menos de la quinta parte que sin entrenar (los puntos ya no están amontonados en un extremo) y fuera queda menos del 15 %. En contra: la distancia está lejos de la de los puntos reales (distancia 0, cobertura 100 %, nada fuera). Hace falta más de una medida: con algunas semillas, la distancia de un generador sin entrenar es menor que la del entrenado, y un montón en un solo punto con 32 sueltos tiene distancia 0, cobertura completa y nada fuera. Las pérdidas no bastan: cerca de ln 2 están las de dos redes sin entrenar y también las del final, y no dicen si falta una parte de la curva.
# en: It learned the rough shape of the data, but it is not altogether good. In its favour: coverage rises from next to nothing to a good part of the curve, Wasserstein falls to less than a fifth of what it was before training (the points are no longer heaped up at one end), and less than 15 % lies outside. Against it: the distance is far from that of real points (distance 0, coverage 100 %, nothing outside). It takes more than one measure: with some seeds the distance of an untrained generator is smaller than that of the trained one, and a heap in a single spot with 32 scattered points has distance 0, full coverage and nothing outside. The losses do not suffice: those of two untrained networks lie near ln 2, and so do those of the end, and they do not say whether a part of the curve is missing.
# ### END SOLUTION

# %% id="claim-quality-answer" tags=["active-py", "claim"]
# es: Aprendió la forma aproximada de los datos, pero no es bueno del todo.
# en: It learned the rough shape of the data, but it is not altogether good.
# es: A favor: la cobertura sube de casi nada a una buena parte de la curva, Wasserstein baja a menos de la quinta parte que sin entrenar (los puntos ya no están amontonados en un extremo) y fuera queda menos del 15 %.
# en: In its favour: coverage rises from next to nothing to a good part of the curve, Wasserstein falls to less than a fifth of what it was before training (the points are no longer heaped up at one end), and less than 15 % lies outside.
# es: En contra: la distancia está lejos de la de los puntos reales (distancia 0, cobertura 100 %, nada fuera).
# en: Against it: the distance is far from that of real points (distance 0, coverage 100 %, nothing outside).
# es: Las pérdidas no bastan: cerca de ln 2 están las de dos redes sin entrenar y también las del final, y no dicen si falta una parte de la curva.
# en: The losses do not suffice: those of two untrained networks lie near ln 2, and so do those of the end, and they do not say whether a part of the curve is missing.
untrained, trained, real = map(sine_quality, (untrained_points, generated_points, real_points))
assert untrained.coverage < 0.15 and trained.coverage > 0.4
assert trained.wasserstein < untrained.wasserstein / 5
assert trained.outside < 0.15
assert trained.distance > 0.05
assert real.distance < 1e-6 and real.coverage == 1 and real.outside == 0
for losses in (history.discriminator, history.generator):
    assert abs(losses[0] - math.log(2)) < 0.1 and abs(sum(losses[-320:]) / 320 - math.log(2)) < 0.3

# %% id="claim-quality-answer-nearer" tags=["active-py", "claim", "seed-dependent"]
# es: Hace falta más de una medida: con algunas semillas, la distancia de un generador sin entrenar es menor que la del entrenado, …
# en: It takes more than one measure: with some seeds the distance of an untrained generator is smaller than that of the trained one, …
assert sine_quality(untrained_points).distance < sine_quality(generated_points).distance

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Un modelo generativo aprende $P(x)$; el azar entra por el espacio latente.
# - En cada lote: un paso de $D$ (real 1, generado 0, con `.detach()`), un paso de $G$ (etiquetas 1, sin `.detach()`).
# - Los gradientes se acumulan: `zero_grad()` al comienzo de cada paso. Cada red tiene su optimizador.
# - Las pérdidas cerca de $\ln 2$ no prueban calidad; las medidas sobre las muestras dicen más, y cada una, sola, se puede engañar.
# - El mejor discriminador es $D^* = p_{\text{data}} / (p_{\text{data}} + p_G)$. Un resultado se muestra con varias semillas.
#
# **Para seguir explorando (sin puntos).** ¿Qué pasa con un espacio latente de dimensión 1? ¿Y si $D$ da tres pasos por cada uno
# de $G$? ¿Qué cambia en la película con `lr=0.01`?

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - A generative model learns $P(x)$; chance comes in through the latent space.
# - In each batch: one step of $D$ (real 1, generated 0, with `.detach()`), one step of $G$ (labels 1, without `.detach()`).
# - Gradients accumulate: `zero_grad()` at the start of each step. Each network has an optimiser of its own.
# - Losses near $\ln 2$ do not prove quality; measures of the samples say more, and each of them, alone, can be fooled.
# - The best discriminator is $D^* = p_{\text{data}} / (p_{\text{data}} + p_G)$. A result is shown with several seeds.
#
# **To explore further (no marks).** What happens with a latent space of dimension 1? What if $D$ takes three steps for each one of
# $G$? What changes in the film with `lr=0.01`?

# %% id="claim-summary" tags=["active-py", "claim"]
# es: Las pérdidas cerca de $\ln 2$ no prueban calidad; las medidas sobre las muestras dicen más, y cada una, sola, se puede engañar.
# en: Losses near $\ln 2$ do not prove quality; measures of the samples say more, and each of them, alone, can be fooled.
assert abs(history.discriminator[0] - math.log(2)) < 0.1 and abs(history.generator[0] - math.log(2)) < 0.1
assert sine_quality(untrained_points).coverage < 0.15

# %% [markdown] id="references-es" tags=["lang-es"]
# ## Referencias
#
# Este laboratorio parte de un tutorial de PyTorch (Real Python, *Generative Adversarial Networks: Build Your First Models*); el método es el
# del primer artículo.
#
# - Goodfellow, I. et al. (2014). *Generative Adversarial Networks*. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Ng, A. Y., Jordan, M. I. (2002). *On Discriminative vs. Generative Classifiers: A Comparison of Logistic Regression and Naive Bayes*. Advances in Neural Information Processing Systems 14, 841–848.
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Heusel, M. et al. (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*. [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
# - Karras, T., Aila, T., Laine, S., Lehtinen, J. (2018). *Progressive Growing of GANs for Improved Quality, Stability, and Variation*. [arXiv:1710.10196](https://arxiv.org/abs/1710.10196).

# %% [markdown] id="references-en" tags=["lang-en"]
# ## References
#
# This lab is based on a PyTorch tutorial (Real Python, *Generative Adversarial Networks: Build Your First Models*); the method is that of the
# first paper.
#
# - Goodfellow, I. et al. (2014). *Generative Adversarial Networks*. [arXiv:1406.2661](https://arxiv.org/abs/1406.2661).
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Ng, A. Y., Jordan, M. I. (2002). *On Discriminative vs. Generative Classifiers: A Comparison of Logistic Regression and Naive Bayes*. Advances in Neural Information Processing Systems 14, 841–848.
# - Radford, A., Metz, L., Chintala, S. (2016). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks*. [arXiv:1511.06434](https://arxiv.org/abs/1511.06434).
# - Heusel, M. et al. (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium*. [arXiv:1706.08500](https://arxiv.org/abs/1706.08500).
# - Karras, T., Aila, T., Laine, S., Lehtinen, J. (2018). *Progressive Growing of GANs for Improved Quality, Stability, and Variation*. [arXiv:1710.10196](https://arxiv.org/abs/1710.10196).

# %% id="summary"
lab.summary()
