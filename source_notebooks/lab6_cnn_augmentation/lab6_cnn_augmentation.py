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
# # Laboratorio 6: ¿ayudan las imágenes generadas? Un experimento honesto
#
# Las GAN se venden como remedio contra la falta de datos: se generan imágenes, se añaden a las reales y el clasificador mejora. ¿De verdad?
# En este laboratorio no construyes otra GAN: **compruebas una afirmación**, con un clasificador de cortes de cerebro y las imágenes del laboratorio 4.
#
# Al terminar sabrás partir datos sin fugas, entrenar y evaluar un clasificador, elegir la mejor época sin tocar la prueba, comparar
# variantes con las mismas actualizaciones y las mismas imágenes de prueba, y decir qué diferencia es más que azar.
#
# Lo que se califica es el **método**. Que las imágenes generadas ayuden, estorben o den igual no cambia tu nota.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se vio y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 6: do generated pictures help? An honest experiment
#
# GANs are sold as a remedy for scarce data: generate pictures, add them to the real ones, and the classifier gets better. Really?
# In this lab you do not build another GAN: you **test a claim**, with a classifier of brain sections and the pictures of lab 4.
#
# By the end you will be able to split data without leaks, to train and evaluate a classifier, to choose the best epoch without touching the
# test, to compare variants with equal updates on the same test pictures, and to say which difference is more than chance.
#
# What is graded is the **method**. Whether generated pictures help, harm or make no difference does not change your marks.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions at the end, 30.

# %% [markdown] id="setup-text-es" tags=["lang-es"]
# ## Preparación
#
# La siguiente celda carga las bibliotecas y elige el dispositivo: la GPU si hay una, si no la CPU. Los puntos
# son los mismos en ambas. Para las medidas y las pruebas estadísticas hay bibliotecas (scikit-learn y SciPy): no se escriben a mano.

# %% [markdown] id="setup-text-en" tags=["lang-en"]
# ## Set-up
#
# The next cell loads the libraries and chooses the device: the GPU if there is one, else the CPU. The marks are
# the same on both. For metrics and statistical tests there are libraries (scikit-learn and SciPy): they are not written by hand.

# %% id="setup"
import copy
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import binomtest, bootstrap, fisher_exact, ttest_1samp
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    classification_report,
    f1_score,
    log_loss,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from torch import nn

from autograder import open_lab
from course.backbones import make_backbone
from course.budget import budget
from course.data import Batches, brain_phantoms, load_brains, load_generated, split_brains
from course.device import describe_device, get_device
from course.metrics import nearest_neighbours
from course.plots import confusion_matrices, curves, image_grid, intervals
from course.training import History, progress

device = get_device()

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab6_cnn_augmentation", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab6_cnn_augmentation", language="en", device=device)
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

# %% [markdown] id="claim-text-es" tags=["lang-es"]
# ## 1. Una afirmación (6 puntos)
#
# Un trabajo de esta materia entrenó un clasificador con 253 resonancias y después otro con las mismas más unas 215 generadas por una WGAN-GP. Resultado: la exactitud subió
# de **88.2 %** a **93.6 %**. Conclusión del trabajo: las imágenes generadas mejoran el modelo de forma «significativa».
#
# Detrás de los porcentajes hay cuentas: **6 errores de 51** imágenes de prueba contra **6 de 94**. Antes de creer, dos cálculos:
#
# - `error_interval(errors, total)`: el intervalo de confianza del 95 % de la tasa de error, por el método de **Wilson**: las tasas que las cuentas no descartan. Devuelve los dos extremos, primero el inferior.
# - `fisher_p(errors_a, total_a, errors_b, total_b)`: el valor $p$ bilateral de la **prueba exacta de Fisher**: qué tan rara sería una diferencia así, o mayor, si ambos modelos
#   se equivocaran igual de seguido.
#
# Pistas: `binomtest(...).proportion_ci(method="wilson")`; `fisher_exact` recibe una tabla de **errores y aciertos**, no de errores y totales.

# %% [markdown] id="claim-text-en" tags=["lang-en"]
# ## 1. A claim (6 marks)
#
# A piece of coursework trained a classifier with 253 MRI pictures, and then another one with the same plus about 215 generated by a WGAN-GP. Result: accuracy rose
# from **88.2 %** to **93.6 %**. Its conclusion: the generated pictures improve the model “significantly”.
#
# Behind the percentages there are counts: **6 errors in 51** test pictures against **6 in 94**. Before believing, two calculations:
#
# - `error_interval(errors, total)`: the 95 % confidence interval of the error rate, by **Wilson's** method: the rates that the counts do not rule out. It returns both ends, the lower one first.
# - `fisher_p(errors_a, total_a, errors_b, total_b)`: the two-sided $p$ value of **Fisher's exact test**: how rare a difference like this one, or a greater one, would be if both models
#   were wrong equally often.
#
# Hints: `binomtest(...).proportion_ci(method="wilson")`; `fisher_exact` takes a table of **errors and hits**, not of errors and totals.

# %% id="claim" nbgrader={"grade": false, "grade_id": "claim", "locked": false, "schema_version": 3, "solution": true, "task": false}
def error_interval(errors, total):
    """es: Intervalo de Wilson del 95 % de una tasa de error: (inferior, superior)."""
    """en: Wilson's 95 % interval of an error rate: (low, high)."""
    ### BEGIN SOLUTION
    interval = binomtest(errors, total).proportion_ci(confidence_level=0.95, method="wilson")
    return interval.low, interval.high
    ### END SOLUTION


def fisher_p(errors_a, total_a, errors_b, total_b):
    """es: Valor p bilateral de la prueba exacta de Fisher."""
    """en: Two-sided p value of Fisher's exact test."""
    ### BEGIN SOLUTION
    table = [[errors_a, total_a - errors_a], [errors_b, total_b - errors_b]]
    return fisher_exact(table).pvalue
    ### END SOLUTION

# %% id="claim_check" nbgrader={"grade": true, "grade_id": "claim_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("claim", points=6) as checks:
    checks.experiment.numbers(
        "claim.interval",
        error_interval,
        lab.supplied_integers(4, errors=(2, 12), total=(40, 120)),
        names=("low", "high"),
        digits=4,  # with z = 1.96, as in books, it is right too
        points=3,
    )
    checks.scalars(
        "claim.fisher",
        fisher_p,
        lab.supplied_integers(4, errors_a=(1, 6), total_a=(40, 60), errors_b=(9, 20), total_b=(80, 120)),
        points=3,
    )
checks.score

# %% id="claim-figure" tags=["raises-exception"]
counts = {"6 / 51": (6, 51), "6 / 94": (6, 94)}
rates = {label: (errors / total, *error_interval(errors, total)) for label, (errors, total) in counts.items()}
print(f"p = {fisher_p(6, 51, 6, 94):.3f}")
title, xlabel = "Tasas de error e intervalos del 95 %", "tasa de error"  # es
title, xlabel = "Error rates and 95 % intervals", "error rate"  # en
intervals(rates, title=title, xlabel=xlabel)

# %% [markdown] id="claim-flaws-text-es" tags=["lang-es"]
# Si los dos modelos se equivocaran igual de seguido, una diferencia así o mayor saldría en una de cada tres comparaciones: con estas cuentas no se distingue a uno del otro.
# (Que los intervalos se solapen no basta para decirlo: pueden solaparse y la diferencia ser clara. Para eso está el valor $p$.) Y hay más, todo comprobable en el código del trabajo:
#
# - mezcló lo generado con lo real **antes** de partir: cerca de 43 de las 94 imágenes de prueba eran **generadas**;
# - las dos pruebas son **distintas**: no se compara lo mismo con lo mismo;
# - 41 de las 253 imágenes son copias de otra: en promedio, 12 de 51 imágenes de prueba están también en el entrenamiento;
# - la GAN había visto las imágenes de prueba, y la prueba sirvió también de validación;
# - un modelo hizo 780 actualizaciones y el otro 1410;
# - una sola semilla, y pérdidas comparadas que incluyen la regularización.
#
# Si los 6 errores del segundo modelo cayeron entre las imágenes reales de su prueba, unas 51, con reales acertó otra vez el 88 %. Ahora hagámoslo bien.

# %% [markdown] id="claim-flaws-text-en" tags=["lang-en"]
# If both models were wrong equally often, a difference like this one or a greater one would come out in one comparison of three: these counts cannot tell the two apart.
# (That the intervals overlap is not enough to say so: they may overlap while the difference is clear. The $p$ value is there for that.) And there is more, all of it to be seen in the code of that work:
#
# - it mixed generated with real pictures **before** splitting: about 43 of the 94 test pictures were **generated**;
# - the two tests are **different**: like is not compared with like;
# - 41 of the 253 pictures are copies of another: on average, 12 of 51 test pictures are in the training set too;
# - the GAN had seen the test pictures, and the test served as validation too;
# - one model made 780 updates and the other 1,410;
# - one seed only, and losses were compared that include the regularisation.
#
# If the 6 errors of the second model fell among the real pictures of its test, about 51, it was right on 88 % of the real ones once more. Now let us do it properly.

# %% [markdown] id="data-text-es" tags=["lang-es"]
# ## 2. Los datos, partidos antes que nada (7 puntos)
#
# Cortes de cerebro con tumor (clase 1) y sin él (clase 0): fantomas dibujados o, si `COURSE_DATA` contiene la carpeta `brain_tumor_dataset`, resonancias reales, sin las que están repetidas.
# La prueba es la de todos los laboratorios, `split_brains`: ninguna GAN la ha visto, y aquí nadie la toca hasta el final.
#
# Con los fantomas tenemos un lujo que la medicina no conoce: dibujar mil imágenes **frescas** de la misma distribución, y ver así cuánto engaña una prueba de 51.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 2. The data, split before anything else (7 marks)
#
# Brain sections with a tumour (class 1) and without (class 0): drawn phantoms or, if `COURSE_DATA` holds the folder `brain_tumor_dataset`, real MRI pictures, without the copies among them.
# The test is that of all labs, `split_brains`: no GAN has seen it, and here nobody touches it until the end.
#
# With phantoms we have a luxury that medicine does not know: to draw a thousand **fresh** pictures of the same distribution, and so to see how much a test of 51 misleads.

# %% id="data"
brains = load_brains()
rest, test = split_brains(brains)
times = budget(cpu=4, cuda=4, grading=1, device=device)  # how many fresh pictures for each real one
fresh = brain_phantoms(98 * times, 155 * times, seed=1) if brains.name == "phantoms" else None
title = "Arriba sin tumor, abajo con tumor"  # es
title = "Above without a tumour, below with one"  # en
image_grid(torch.cat([rest.of_class("no")[:8], rest.of_class("yes")[:8]]), title=title)

# %% [markdown] id="split-text-es" tags=["lang-es"]
# Del resto se separa la **validación**, con la que se elegirá la mejor época. Escribe `split(labels, share, seed)`:
#
# - `labels` es un arreglo de NumPy con una etiqueta por imagen;
# - devuelve **dos arreglos de índices**: los de la parte grande y los de la pequeña, que tiene la fracción `share` de las imágenes;
# - **estratificada**: cada clase, en la misma proporción en ambas partes; sin índices repetidos ni perdidos;
# - con la misma `seed` salen las mismas partes, con otra, otras.
#
# `train_test_split` de scikit-learn hace todo eso con los argumentos correctos.

# %% [markdown] id="split-text-en" tags=["lang-en"]
# From the rest a **validation** part is set apart, to choose the best epoch with. Write `split(labels, share, seed)`:
#
# - `labels` is a NumPy array with one label per picture;
# - it returns **two arrays of indices**: those of the larger part and those of the smaller one, which has the fraction `share` of the pictures;
# - **stratified**: each class in equal proportion in both parts; no index twice, none lost;
# - the same `seed` gives the same parts, another one gives others.
#
# scikit-learn's `train_test_split` does all of that, given the right arguments.

# %% id="split" nbgrader={"grade": false, "grade_id": "split", "locked": false, "schema_version": 3, "solution": true, "task": false}
def split(labels, share, seed):
    """es: Índices de la parte grande y de la pequeña, estratificadas."""
    """en: Indices of the larger and the smaller part, stratified."""
    ### BEGIN SOLUTION
    places = np.arange(len(labels))
    return train_test_split(places, test_size=share, stratify=labels, random_state=seed)
    ### END SOLUTION

# %% id="split_check" nbgrader={"grade": true, "grade_id": "split_check", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
with lab.marks("split", points=7) as checks:
    checks.experiment.split("split.parts", split, points=5)
    checks.experiment.split_seed("split.seed", split, points=2)
checks.score

# %% [markdown] id="parts-text-es" tags=["lang-es"]
# Las partes que usa el resto del cuaderno las fija `split_brains`, que parte igual: el generador del curso se entrenó solo con la de entrenamiento. La tabla compara con una división tuya y con otra sin estratificar.

# %% [markdown] id="parts-text-en" tags=["lang-en"]
# The parts that the rest of the notebook uses are fixed by `split_brains`, which splits in the same way: the course's generator was trained with the training part only. The table compares with a split of yours and with one that is not stratified.

# %% id="parts" tags=["raises-exception"]
training, validation = split_brains(rest, test_share=0.25)
sets = {"entrenamiento": training, "validación": validation, "prueba": test, "frescas": fresh}  # es
sets = {"training": training, "validation": validation, "test": test, "fresh": fresh}  # en
tumour = "con tumor"  # es
tumour = "with a tumour"  # en
for name, part in sets.items():
    if part is not None:
        print(f"{name:<14}{len(part):>5}   {tumour}: {part.labels.double().mean():.1%}")

labels = rest.labels.numpy()
for seed in range(3):
    _, stratified = split(labels, 0.25, seed)
    _, plain = train_test_split(np.arange(len(labels)), test_size=0.25, random_state=seed)
    shares = f"{labels[stratified].mean():.1%}", f"{labels[plain].mean():.1%}"
    print(f"semilla {seed}   estratificada: {shares[0]}   sin estratificar: {shares[1]}")  # es
    print(f"seed {seed}   stratified: {shares[0]}   not stratified: {shares[1]}")  # en

# %% [markdown] id="generated-text-es" tags=["lang-es"]
# ## 3. Con qué se entrena (6 puntos)
#
# Las imágenes generadas son las que exportó tu laboratorio 4 a `generated/no` y `generated/yes` junto a este cuaderno; si no hay, un conjunto que viene con el curso, hecho con la solución de ese laboratorio. Una por cada imagen real de entrenamiento;
# y otras, tantas como la prueba, se apartan para la sección 9: con ellas no entrena nadie. (Si usas las tuyas, ten en cuenta que tu GAN vio también las imágenes que aquí son de validación. Las de prueba, no.)
#
# Míralas con ojo crítico. ¿Tienen lesión las de la clase «con tumor»? Debajo de cada una, la imagen real de entrenamiento más parecida: una copia quedaría mucho más cerca de su vecina que una imagen real que no se usó para entrenar.

# %% [markdown] id="generated-text-en" tags=["lang-en"]
# ## 3. What to train with (6 marks)
#
# The generated pictures are those that your lab 4 exported to `generated/no` and `generated/yes` beside this notebook; if there are none, a set that comes with the course, made by the solution of that lab. One for each real training picture;
# and others, as many as the test has, are set apart for section 9: nobody trains with them. (If you use your own, bear in mind that your GAN has also seen the pictures that serve for validation here. Those of the test it has not.)
#
# Look at them critically. Do those of class “tumour” have a lesion? Below each one, the real training picture most like it: a copy would be much nearer to its neighbour than a real picture that nobody trained with.

# %% id="generated" tags=["raises-exception"]
generated = load_generated(training)
set_apart = load_generated(test, besides=generated)
shown = torch.cat([generated.of_class("no")[:4], generated.of_class("yes")[:4]])  # (8, 1, 32, 32)
_, place = nearest_neighbours(shown, training.images)
names = ("generadas", "validación")  # es
names = ("generated", "validation")  # en
for name, part in zip(names, (generated, validation), strict=True):
    distance, _ = nearest_neighbours(part.images, training.images)
    print(f"{name:<14}distancia a la vecina: {distance.mean():.2f}, la menor {distance.min():.2f}")  # es
    print(f"{name:<14}distance to the neighbour: {distance.mean():.2f}, the least {distance.min():.2f}")  # en
title = "Generadas (4 sin tumor, 4 con tumor) y sus vecinas reales"  # es
title = "Generated (4 without, 4 with a tumour) and their real neighbours"  # en
image_grid(torch.cat([shown, training.images[place]]), title=title)

# %% [markdown] id="training_set-text-es" tags=["lang-es"]
# Se comparan **brazos**, como en un ensayo clínico: todos entrenan igual, solo cambian las imágenes. Escribe `training_set(arm, real, fake)`; `real` y `fake` son parejas de tensores `(imágenes, etiquetas)` y
# devuelve otra pareja así:
#
# | `arm` | imágenes |
# |---|---|
# | `"real"` | las reales |
# | `"fake"` | las generadas |
# | `"mixed"` | unas y otras |
# | `"oversampled"` | las reales **repetidas** en orden hasta ser tantas como en `"mixed"` (la última vuelta puede quedar a medias) |
#
# El brazo repetido es el control: tiene tantas imágenes como la mezcla y ninguna nueva. Las etiquetas siguen siendo enteros y acompañan a su imagen. Pista: `torch.arange(total) % len(imágenes)` son los índices de la repetición.

# %% [markdown] id="training_set-text-en" tags=["lang-en"]
# What is compared are **arms**, as in a clinical trial: all train in the same way, only the pictures change. Write `training_set(arm, real, fake)`; `real` and `fake` are pairs of tensors `(images, labels)`, and
# so is what it returns:
#
# | `arm` | pictures |
# |---|---|
# | `"real"` | the real ones |
# | `"fake"` | the generated ones |
# | `"mixed"` | both |
# | `"oversampled"` | the real ones **repeated** in order until they are as many as in `"mixed"` (the last round may be cut short) |
#
# The repeated arm is the control: it has as many pictures as the mixture, and none that is new. Labels remain integers and go with their picture. Hint: `torch.arange(total) % len(images)` are the indices of the repetition.

# %% id="training_set" nbgrader={"grade": false, "grade_id": "training_set", "locked": false, "schema_version": 3, "solution": true, "task": false}
def training_set(arm, real, fake):
    """es: Imágenes y etiquetas con que entrena un brazo."""
    """en: Images and labels that one arm trains with."""
    ### BEGIN SOLUTION
    (real_images, real_labels), (fake_images, fake_labels) = real, fake
    if arm == "real":
        return real_images, real_labels
    if arm == "fake":
        return fake_images, fake_labels
    if arm == "mixed":
        return torch.cat([real_images, fake_images]), torch.cat([real_labels, fake_labels])
    places = torch.arange(len(real_images) + len(fake_images)) % len(real_images)
    return real_images[places], real_labels[places]
    ### END SOLUTION

# %% id="training_set_check" nbgrader={"grade": true, "grade_id": "training_set_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("training_set", points=6) as checks:
    checks.experiment.training_set("training_set.real", training_set, "real", points=1)
    checks.experiment.training_set("training_set.fake", training_set, "fake", points=1)
    checks.experiment.training_set("training_set.mixed", training_set, "mixed", points=2)
    checks.experiment.training_set("training_set.oversampled", training_set, "oversampled", points=2)
checks.score

# %% [markdown] id="augment-text-es" tags=["lang-es"]
# ## 4. Aumento clásico (5 puntos)
#
# Antes de las GAN ya se «inventaban» imágenes: reflejándolas y desplazándolas un poco, cada vez de otro modo. Escribe `augment(images)`, con `images` de forma `(n, 1, alto, ancho)`:
#
# 1. **un sorteo por imagen** decide el reflejo: se refleja (izquierda con derecha) donde `torch.rand(n) < 0.5`;
# 2. `torch.randint(-2, 3, (n, 2))` dice cuántos píxeles se desplaza cada una después: la primera columna, hacia abajo; la segunda, hacia la derecha. Lo que sale por un lado entra por el otro (`torch.roll`); el borde es negro, así que no se nota.
#
# Devuelve un tensor nuevo; las imágenes recibidas no cambian. Los aumentos de torchvision no sirven aquí: sortean una vez para todo el lote.

# %% [markdown] id="augment-text-en" tags=["lang-en"]
# ## 4. Classical augmentation (5 marks)
#
# Pictures were “invented” before there were GANs: by mirroring and shifting them a little, each time in another way. Write `augment(images)`, with `images` of shape `(n, 1, height, width)`:
#
# 1. **one draw per picture** decides the mirror: a picture is mirrored (left to right) where `torch.rand(n) < 0.5`;
# 2. `torch.randint(-2, 3, (n, 2))` says by how many pixels each is shifted after that: the first column, downwards; the second, to the right. What leaves on one side comes in on the other (`torch.roll`); the border is black, so it does not show.
#
# Return a new tensor; the pictures received do not change. torchvision's augmentations do not serve here: they draw once for the whole batch.

# %% id="augment" nbgrader={"grade": false, "grade_id": "augment", "locked": false, "schema_version": 3, "solution": true, "task": false}
def augment(images):
    """es: Refleja y desplaza cada imagen al azar."""
    """en: Mirror and shift each picture at random."""
    ### BEGIN SOLUTION
    mirrored = torch.rand(len(images)) < 0.5
    shifts = torch.randint(-2, 3, (len(images), 2)).tolist()
    changed = [image.flip(-1) if mirror else image for image, mirror in zip(images, mirrored, strict=True)]
    return torch.stack([image.roll(shift, dims=(-2, -1)) for image, shift in zip(changed, shifts, strict=True)])
    ### END SOLUTION

# %% id="augment_check" nbgrader={"grade": true, "grade_id": "augment_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("augment", points=5) as checks:
    checks.experiment.augmentation("augment.images", augment, sample_shape=(1, 9, 7), points=5)
checks.score

# %% id="augment-figure" tags=["raises-exception"]
torch.manual_seed(1)
title = "La misma imagen, ocho veces"  # es
title = "The same picture, eight times"  # en
image_grid(augment(training.images[:1].expand(8, -1, -1, -1)), title=title)

# %% [markdown] id="classifier-text-es" tags=["lang-es"]
# ## 5. El clasificador (8 puntos)
#
# Como en el original: una red ya hecha (el **tronco**) convierte la imagen en rasgos, y una cabeza pequeña decide. El tronco es EfficientNet-B3 en una GPU, si sus pesos están a la mano, y si no una red
# pequeña de tres convoluciones; lo elige `make_backbone`. También él se entrena. Escribe `Classifier(backbone, features)`, con estas capas:
#
# | atributo | capa |
# |---|---|
# | `backbone` | el que se recibe: imágenes → `(n, features)` |
# | `norm` | `BatchNorm1d` de los rasgos |
# | `dense` | lineal, `features` → 256 |
# | `dropout` | dropout de 0.45 |
# | `output` | lineal, 256 → 2 |
#
# y tres métodos: `hidden(images)` son las **activaciones** `(n, 256)`: tronco, `norm`, `dense`, ReLU. `classify(hidden)` son los **logits** `(n, 2)`: dropout, `output`. `forward(images)` es uno tras otro. No hay softmax: la entropía cruzada de PyTorch lo lleva dentro.

# %% [markdown] id="classifier-text-en" tags=["lang-en"]
# ## 5. The classifier (8 marks)
#
# As in the original: a ready-made network (the **backbone**) turns the picture into features, and a small head decides. The backbone is EfficientNet-B3 on a GPU, if its weights are at hand, else a small
# network of three convolutions; `make_backbone` chooses. It is trained too. Write `Classifier(backbone, features)`, with these layers:
#
# | attribute | layer |
# |---|---|
# | `backbone` | the one received: pictures → `(n, features)` |
# | `norm` | `BatchNorm1d` of the features |
# | `dense` | linear, `features` → 256 |
# | `dropout` | dropout of 0.45 |
# | `output` | linear, 256 → 2 |
#
# and three methods: `hidden(images)` are the **activations** `(n, 256)`: backbone, `norm`, `dense`, ReLU. `classify(hidden)` are the **logits** `(n, 2)`: dropout, `output`. `forward(images)` is one after the other. There is no softmax: PyTorch's cross-entropy has it inside.

# %% id="classifier" nbgrader={"grade": false, "grade_id": "classifier", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Classifier(nn.Module):
    """es: Logits de cada imagen: (n, 1, alto, ancho) -> (n, 2)."""
    """en: Logits of each picture: (n, 1, height, width) -> (n, 2)."""

    def __init__(self, backbone, features):
        super().__init__()
        ### BEGIN SOLUTION
        self.backbone = backbone
        self.norm = nn.BatchNorm1d(features)
        self.dense = nn.Linear(features, 256)
        self.dropout = nn.Dropout(0.45)
        self.output = nn.Linear(256, 2)
        ### END SOLUTION

    def hidden(self, images):
        ### BEGIN SOLUTION
        return F.relu(self.dense(self.norm(self.backbone(images))))  # (n, 256)
        ### END SOLUTION

    def classify(self, hidden):
        ### BEGIN SOLUTION
        return self.output(self.dropout(hidden))  # (n, 2)
        ### END SOLUTION

    def forward(self, images):
        ### BEGIN SOLUTION
        return self.classify(self.hidden(images))
        ### END SOLUTION

# %% id="classifier_check" nbgrader={"grade": true, "grade_id": "classifier_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("classifier", points=8) as checks:
    small_backbone = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten())
    checks.network_structure(
        "classifier.structure",
        partial(Classifier, small_backbone, 12),
        input_shape=(5, 1, 3, 4),
        output_shape=(5, 2),
        parameters=3_868,
        layers=("dense",),  # the training step uses it
        points=2,
    )
    small_classifier = partial(Classifier, nn.Flatten(), 12)
    checks.network_output(
        "classifier.hidden",
        small_classifier,
        input_shape=(6, 1, 3, 4),
        training=True,
        ways=(("hidden",),),
        points=2,
    )
    small_ways = (("forward",), ("hidden", "classify"))
    checks.network_output(  # so many pictures that some logits are negative
        "classifier.logits", small_classifier, input_shape=(512, 1, 3, 4), ways=small_ways, points=2
    )
    checks.dropout(
        "classifier.dropout", small_classifier, input_shape=(16, 1, 3, 4), ways=small_ways, points=2
    )
checks.score

# %% [markdown] id="regularisation-text-es" tags=["lang-es"]
# ### Regularización (5 puntos)
#
# El original añadía a la entropía cruzada tres penalizaciones de la capa densa, contra el sobreajuste. Con pesos $W$, sesgos $b$ y activaciones $a_1 \ldots a_n$ de un lote de $n$ imágenes:
#
# $$0.016 \sum W^2 \;+\; 0.006 \sum |b| \;+\; \frac{0.006}{n} \sum_{i=1}^{n} \sum |a_i|$$
#
# L2 sobre los pesos, L1 sobre los sesgos y L1 sobre las activaciones (el Keras del original las divide entre el tamaño del lote). Escribe `regularisation(weight, bias, activations)`, con las activaciones `(n, unidades)`; devuelve un tensor con un número, por el que pasan gradientes.

# %% [markdown] id="regularisation-text-en" tags=["lang-en"]
# ### Regularisation (5 marks)
#
# The original added three penalties of the dense layer to the cross-entropy, against overfitting. With weights $W$, biases $b$ and the activations $a_1 \ldots a_n$ of a batch of $n$ pictures:
#
# $$0.016 \sum W^2 \;+\; 0.006 \sum |b| \;+\; \frac{0.006}{n} \sum_{i=1}^{n} \sum |a_i|$$
#
# L2 of the weights, L1 of the biases and L1 of the activations (the original's Keras divides the latter by the batch size). Write `regularisation(weight, bias, activations)`, with activations `(n, units)`; it returns a tensor with one number that gradients flow through.

# %% id="regularisation" nbgrader={"grade": false, "grade_id": "regularisation", "locked": false, "schema_version": 3, "solution": true, "task": false}
def regularisation(weight, bias, activations):
    """es: Penalización de la capa densa, un tensor con un número."""
    """en: Penalty of the dense layer, a tensor with one number."""
    ### BEGIN SOLUTION
    per_picture = activations.abs().sum() / len(activations)
    return 0.016 * weight.square().sum() + 0.006 * bias.abs().sum() + 0.006 * per_picture
    ### END SOLUTION

# %% id="regularisation_check" nbgrader={"grade": true, "grade_id": "regularisation_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("regularisation", points=5) as checks:
    cases = [
        (
            lab.supplied_samples((units, 3), "weight"),
            lab.supplied_samples((units,), "bias"),
            lab.supplied_samples((size, units), "activations"),
        )
        for units, size in [(4, 17), (6, 32), (5, 8), (7, 24)]
    ]
    checks.loss("regularisation.gradients", regularisation, cases, points=5)
checks.score

# %% [markdown] id="train_step-text-es" tags=["lang-es"]
# ## 6. Entrenar y evaluar
# ### Un paso (8 puntos)
#
# Escribe `train_step(classifier, optimizer, images, labels, penalty)`:
#
# 1. modo **train**: una evaluación anterior pudo dejar otro;
# 2. gradientes a cero, al principio;
# 3. entropía cruzada de los logits, más `penalty(pesos de dense, sesgos de dense, activaciones)`: usa `classifier.hidden` y `classifier.classify`. `penalty` es una función como tu `regularisation`; llámala por el nombre con que llega;
# 4. retropropagación y un paso del optimizador;
# 5. devuelve, como número, **solo la entropía cruzada**. Así se pueden comparar pérdidas; el original comparaba sumas con regularización.

# %% [markdown] id="train_step-text-en" tags=["lang-en"]
# ## 6. Training and evaluating
# ### One step (8 marks)
#
# Write `train_step(classifier, optimizer, images, labels, penalty)`:
#
# 1. **train** mode: an evaluation before may have left another one;
# 2. gradients to zero, at the start;
# 3. cross-entropy of the logits, plus `penalty(weights of dense, biases of dense, activations)`: use `classifier.hidden` and `classifier.classify`. `penalty` is a function like your `regularisation`; call it by the name it comes with;
# 4. backward pass and one step of the optimiser;
# 5. return, as a number, **the cross-entropy alone**. That makes losses comparable; the original compared sums with regularisation.

# %% id="train_step" nbgrader={"grade": false, "grade_id": "train_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(classifier, optimizer, images, labels, penalty):
    """es: Un paso de entrenamiento; devuelve la entropía cruzada."""
    """en: One training step; returns the cross-entropy."""
    ### BEGIN SOLUTION
    classifier.train()
    optimizer.zero_grad()
    hidden = classifier.hidden(images)
    cross_entropy = F.cross_entropy(classifier.classify(hidden), labels)
    loss = cross_entropy + penalty(classifier.dense.weight, classifier.dense.bias, hidden)
    loss.backward()
    optimizer.step()
    return cross_entropy.item()
    ### END SOLUTION

# %% id="train_step_check" nbgrader={"grade": true, "grade_id": "train_step_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("train_step", points=8) as checks:
    step_checks = checks.classifier_step(train_step, sample_shape=(1, 3, 4))
    step_checks.loss("train_step.loss", points=2)
    step_checks.update("train_step.update", points=3)
    step_checks.zero_grad("train_step.zero_grad", points=1)
    step_checks.mode("train_step.mode", points=2)
checks.score

# %% [markdown] id="predict-text-es" tags=["lang-es"]
# ### Predecir (5 puntos)
#
# Escribe `predict(classifier, images)`: la probabilidad de la clase 1 (tumor) de cada imagen, un tensor `(n,)`. En modo **eval**, sin gradientes, con **un** softmax sobre las clases.

# %% [markdown] id="predict-text-en" tags=["lang-en"]
# ### Predicting (5 marks)
#
# Write `predict(classifier, images)`: the probability of class 1 (tumour) of each picture, a tensor `(n,)`. In **eval** mode, without gradients, with **one** softmax over the classes.

# %% id="predict" nbgrader={"grade": false, "grade_id": "predict", "locked": false, "schema_version": 3, "solution": true, "task": false}
def predict(classifier, images):
    """es: Probabilidad de tumor de cada imagen: (n,)."""
    """en: Probability of a tumour for each picture: (n,)."""
    ### BEGIN SOLUTION
    classifier.eval()
    with torch.no_grad():
        return classifier(images).softmax(dim=1)[:, 1]
    ### END SOLUTION

# %% id="predict_check" nbgrader={"grade": true, "grade_id": "predict_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("predict", points=5) as checks:
    prediction_checks = checks.prediction(predict, sample_shape=(1, 3, 4))
    prediction_checks.values("predict.values", points=3)
    prediction_checks.mode("predict.mode", points=2)
checks.score

# %% [markdown] id="scores-text-es" tags=["lang-es"]
# ### Medir (5 puntos)
#
# La exactitud sola engaña cuando las clases son desiguales: quien siempre dice «tumor» acierta aquí el 61 %. Escribe `scores(labels, probabilities)`, con arreglos de NumPy, que devuelve un diccionario:
#
# - `"accuracy"`, `"balanced_accuracy"` (la media de los aciertos por clase) y `"macro_f1"`: de la decisión «tumor» si la probabilidad es 0.5 o más;
# - `"roc_auc"`: de las **probabilidades**: la frecuencia con que una imagen con tumor recibe más que una sin él.
#
# Todo está en scikit-learn.

# %% [markdown] id="scores-text-en" tags=["lang-en"]
# ### Measuring (5 marks)
#
# Accuracy alone misleads when classes are unequal: a classifier that always says “tumour” is right for 61 % of the pictures here. Write `scores(labels, probabilities)`, with NumPy arrays, which returns a dictionary:
#
# - `"accuracy"`, `"balanced_accuracy"` (the mean of the hits per class) and `"macro_f1"`: of the decision “tumour” if the probability is 0.5 or more;
# - `"roc_auc"`: of the **probabilities**: how often a picture with a tumour is given more than one without.
#
# All of it is in scikit-learn.

# %% id="scores" nbgrader={"grade": false, "grade_id": "scores", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scores(labels, probabilities):
    """es: Cuatro medidas de un clasificador, por nombre."""
    """en: Four measures of a classifier, by name."""
    ### BEGIN SOLUTION
    predicted = probabilities >= 0.5
    return {
        "accuracy": accuracy_score(labels, predicted),
        "balanced_accuracy": balanced_accuracy_score(labels, predicted),
        "macro_f1": f1_score(labels, predicted, average="macro"),
        "roc_auc": roc_auc_score(labels, probabilities),
    }
    ### END SOLUTION

# %% id="scores_check" nbgrader={"grade": true, "grade_id": "scores_check", "locked": true, "points": 5, "schema_version": 3, "solution": false, "task": false}
with lab.marks("scores", points=5) as checks:
    cases = lab.supplied_results("labels", "probabilities")
    checks.experiment.numbers(
        "scores.decisions",
        scores,
        cases,
        names=("accuracy", "balanced_accuracy", "macro_f1"),
        dictionary=True,
        points=3,
    )
    checks.experiment.numbers(
        "scores.ranking", scores, cases, names=("roc_auc",), dictionary=True, points=2
    )
checks.score

# %% [markdown] id="fit-text-es" tags=["lang-es"]
# ### Quedarse con la mejor época (6 puntos)
#
# Un clasificador entrenado de más puede empeorar. Se guarda el de la época con mejor puntuación **de validación**; elegirlo con la prueba sería hacer trampa. Escribe `fit(classifier, train_epoch, validate, num_epochs)`:
#
# - en cada época: `train_epoch()`, después `validate()`, que devuelve una puntuación (más es mejor);
# - al final el clasificador queda como estaba tras la **primera** época con la mejor puntuación: parámetros y estadísticas de la normalización, o sea su `state_dict`;
# - devuelve la lista de puntuaciones, en orden.
#
# Cuidado: `state_dict()` no copia. Sus tensores siguen cambiando con el entrenamiento; `copy.deepcopy` los fija.

# %% [markdown] id="fit-text-en" tags=["lang-en"]
# ### Keeping the best epoch (6 marks)
#
# A classifier that trains for too long may get worse. The one of the epoch with the best **validation** score is kept; to choose it with the test would be cheating. Write `fit(classifier, train_epoch, validate, num_epochs)`:
#
# - in each epoch: `train_epoch()`, then `validate()`, which returns a score (more is better);
# - in the end the classifier is as it was after the **first** epoch with the best score: parameters and statistics of the normalisation, that is, its `state_dict`;
# - return the list of scores, in order.
#
# Mind: `state_dict()` does not copy. Its tensors go on changing with the training; `copy.deepcopy` fixes them.

# %% id="fit" nbgrader={"grade": false, "grade_id": "fit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fit(classifier, train_epoch, validate, num_epochs):
    """es: Entrena, deja el clasificador en su mejor época y devuelve las puntuaciones."""
    """en: Train, leave the classifier in its best epoch and return the scores."""
    ### BEGIN SOLUTION
    best, validation_scores = None, []
    for _ in range(num_epochs):
        train_epoch()
        score = validate()
        if not validation_scores or score > max(validation_scores):
            best = copy.deepcopy(classifier.state_dict())
        validation_scores.append(score)
    classifier.load_state_dict(best)
    return validation_scores
    ### END SOLUTION

# %% id="fit_check" nbgrader={"grade": true, "grade_id": "fit_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("fit", points=6) as checks:
    checks.best_epoch("fit.state", fit, aspect="state", points=4)
    checks.best_epoch("fit.scores", fit, aspect="scores", points=2)
checks.score

# %% [markdown] id="one-text-es" tags=["lang-es"]
# ## 7. Un entrenamiento, de cerca
#
# Aquí se juntan las piezas. Una «época» son 25 pasos con lotes de 16, en **todos** los brazos: tener más imágenes no da más actualizaciones. La semilla fija los pesos iniciales, así que con la misma semilla los brazos parten igual.

# %% [markdown] id="one-text-en" tags=["lang-en"]
# ## 7. One training run, close up
#
# Here the pieces come together. An “epoch” is 25 steps with batches of 16, in **all** arms: having more pictures does not give more updates. The seed fixes the initial weights, so with the same seed all arms start alike.

# %% id="batches"
STEPS_PER_EPOCH, BATCH_SIZE = budget(cpu=25, cuda=25, grading=2, device=device), 16
real = (training.images, training.labels)
fake = (generated.images, generated.labels)
backbone = make_backbone("auto", device)


def endless(images, labels):
    """es: Lotes sin fin, barajados de nuevo en cada vuelta."""
    """en: Batches without end, shuffled anew each time around."""
    while True:
        for batch, target in Batches(images, labels, batch_size=BATCH_SIZE, drop_last=True):
            yield batch, target.to(device)


def probabilities_of(classifier, part):
    """es: Probabilidades de las imágenes de una parte, como arreglo de NumPy."""
    """en: Probabilities of the pictures of a part, as a NumPy array."""
    return predict(classifier, part.images.to(device)).cpu().numpy()

# %% id="run"
ARMS = {  # what to train with, and whether to augment it
    "real": ("real", False),
    "oversampled": ("oversampled", False),
    "augmented": ("real", True),
    "generated": ("mixed", False),
    "both": ("mixed", True),
    "fake only": ("fake", False),
}
names = ["reales", "repetidas", "aumentadas", "con generadas", "ambas cosas", "solo generadas"]  # es
names = ["real", "repeated", "augmented", "with generated", "both", "generated only"]  # en
ARM_NAMES = dict(zip(ARMS, names, strict=True))
num_epochs = budget(cpu=14, cuda=40, grading=1, device=device)


def new_classifier(seed):
    """es: Un clasificador cuyos pesos iniciales dependen solo de la semilla."""
    """en: A classifier whose initial weights depend on the seed alone."""
    torch.manual_seed(seed)
    fresh_backbone = make_backbone("auto", device, report=lambda line: None)
    return Classifier(fresh_backbone, fresh_backbone.features).to(device)


def run(arm, seed):
    """es: Entrena un brazo con una semilla; devuelve el clasificador y sus curvas."""
    """en: Train one arm with one seed; return the classifier and its curves."""
    source, augmented = ARMS[arm]
    classifier = new_classifier(seed)
    optimizer = torch.optim.Adamax(classifier.parameters(), lr=0.001)
    batches = endless(*training_set(source, real, fake))
    history = History("training", "validation", "score")
    losses = []

    def train_epoch():
        losses.clear()
        for _ in range(STEPS_PER_EPOCH):
            images, labels = next(batches)
            images = augment(images) if augmented else images
            loss = train_step(classifier, optimizer, images.to(device), labels, regularisation)
            losses.append(float(loss))

    def validate():
        probabilities = probabilities_of(classifier, validation)
        score = float(scores(validation.labels.numpy(), probabilities)["balanced_accuracy"])
        loss = float(log_loss(validation.labels.numpy(), probabilities))
        history.record(training=float(np.mean(losses)), validation=loss, score=score)
        return score

    fit(classifier, train_epoch, validate, num_epochs)
    return classifier, history

# %% id="one-run" tags=["raises-exception"]
classifier, history = run("real", seed=0)
best_epoch = 1 + int(np.argmax(history.score))
print(f"mejor época: {best_epoch} de {num_epochs}")  # es
print(f"best epoch: {best_epoch} of {num_epochs}")  # en

# %% id="curves-loss" tags=["raises-exception"]
title, xlabel, ylabel = "Entropía cruzada, sin regularización", "época", "pérdida"  # es
title, xlabel, ylabel = "Cross-entropy, without regularisation", "epoch", "loss"  # en
part_names = ("entrenamiento", "validación")  # es
part_names = ("training", "validation")  # en
mark = (best_epoch, f"mejor época: {best_epoch}")  # es
mark = (best_epoch, f"best epoch: {best_epoch}")  # en
losses = dict(zip(part_names, (history.training, history.validation), strict=True))
curves(losses, title=title, xlabel=xlabel, ylabel=ylabel, start=1, mark=mark)

# %% id="curves-score" tags=["raises-exception"]
title, ylabel = "Con qué se elige la época", "exactitud balanceada"  # es
title, ylabel = "What the epoch is chosen by", "balanced accuracy"  # en
curves({part_names[1]: history.score}, title=title, xlabel=xlabel, ylabel=ylabel, start=1, mark=mark)

# %% [markdown] id="confusion-text-es" tags=["lang-es"]
# El informe es de la **validación** y las matrices, de ella y del entrenamiento; la prueba sigue cerrada. ¿Eligen la misma época la exactitud balanceada y la pérdida de validación? Con 51 imágenes, también la mejor época es en parte azar,
# y su puntuación promete de más: se eligió por ser la mayor. Por eso no es el resultado.

# %% [markdown] id="confusion-text-en" tags=["lang-en"]
# The report is for the **validation** part, the matrices for it and for training; the test stays closed. Do balanced accuracy and validation loss choose the same epoch? With 51 pictures, the best epoch is in part chance too,
# and its score promises too much: it was chosen for being the greatest. That is why it is not the result.

# %% id="report" tags=["raises-exception"]
class_names = ["sin tumor", "tumor"]  # es
class_names = ["no tumour", "tumour"]  # en
decided = {
    name: (part.labels.numpy(), (probabilities_of(classifier, part) >= 0.5).astype(int))
    for name, part in zip(part_names, (training, validation), strict=True)
}
print(classification_report(*decided[part_names[1]], target_names=class_names, zero_division=0))

# %% id="confusion" tags=["raises-exception"]
xlabel, ylabel = "predicción", "verdad"  # es
xlabel, ylabel = "predicted", "true"  # en
confusion_matrices(decided, classes=class_names, xlabel=xlabel, ylabel=ylabel)

# %% [markdown] id="mean_interval-text-es" tags=["lang-es"]
# ## 8. La comparación
# ### Varias semillas (3 puntos)
#
# Otra semilla, otros pesos iniciales y otros lotes: otro resultado. Por eso cada brazo se entrena con varias y se da la media con su intervalo. Escribe `mean_interval(values)`, con un arreglo de NumPy: la media y los extremos de su intervalo de confianza del 95 %, por la $t$ de Student.
# Pista: `ttest_1samp(values, 0.0).confidence_interval(0.95)`.

# %% [markdown] id="mean_interval-text-en" tags=["lang-en"]
# ## 8. The comparison
# ### Several seeds (3 marks)
#
# Another seed, other initial weights and other batches: another result. So each arm is trained with several, and the mean is given with its interval. Write `mean_interval(values)`, with a NumPy array: the mean and the ends of its 95 % confidence interval, by Student's $t$.
# Hint: `ttest_1samp(values, 0.0).confidence_interval(0.95)`.

# %% id="mean_interval" nbgrader={"grade": false, "grade_id": "mean_interval", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_interval(values):
    """es: Media e intervalo de confianza del 95 %: (media, inferior, superior)."""
    """en: Mean and 95 % confidence interval: (mean, low, high)."""
    ### BEGIN SOLUTION
    interval = ttest_1samp(values, 0.0).confidence_interval(0.95)
    return np.mean(values), interval.low, interval.high
    ### END SOLUTION

# %% id="mean_interval_check" nbgrader={"grade": true, "grade_id": "mean_interval_check", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
with lab.marks("mean_interval", points=3) as checks:
    checks.experiment.numbers(
        "mean_interval.ends", mean_interval, lab.supplied_results("values"), names=("mean", "low", "high"), points=3
    )
checks.score

# %% [markdown] id="paired-text-es" tags=["lang-es"]
# ### Las mismas imágenes (6 puntos)
#
# Dos brazos que responden a las **mismas** imágenes se comparan imagen por imagen: unas son difíciles para todos, y esa parte del azar se cancela al restar.
#
# - `paired_difference(first, second)`: dos arreglos de NumPy con un resultado por imagen. Devuelve la media de `first - second` y los extremos de su intervalo del 95 % por **bootstrap**: se remuestrean las *diferencias*, unas 10 000 veces
#   (`bootstrap((diferencias,), np.mean)` de SciPy lo hace; recibe una tupla de muestras, aquí de una sola).
# - `mcnemar_p(first, second)`: dos arreglos de NumPy de verdaderos y falsos (¿acertó?). La prueba exacta de **McNemar** mira solo las imágenes en que uno acierta y el otro no: si los dos fueran igual de buenos, cada una caería de un lado u otro como una moneda. Devuelve el valor $p$ bilateral: `binomtest(...).pvalue`; 1.0 si no hay ninguna.

# %% [markdown] id="paired-text-en" tags=["lang-en"]
# ### The same pictures (6 marks)
#
# Two arms that answer for the **same** pictures are compared picture by picture: some are hard for all, and that part of chance cancels when subtracting.
#
# - `paired_difference(first, second)`: two NumPy arrays with one result per picture. It returns the mean of `first - second` and the ends of its 95 % interval by **bootstrap**: the *differences* are resampled, some 10,000 times
#   (SciPy's `bootstrap((differences,), np.mean)` does it; it takes a tuple of samples, here of one only).
# - `mcnemar_p(first, second)`: two NumPy arrays of true and false (was it right?). **McNemar's** exact test looks only at the pictures where one is right and the other is not: if both were equally good, each would fall to one side or the other like a coin. It returns the two-sided $p$ value: `binomtest(...).pvalue`; 1.0 if there are none.

# %% id="paired" nbgrader={"grade": false, "grade_id": "paired", "locked": false, "schema_version": 3, "solution": true, "task": false}
def paired_difference(first, second):
    """es: Media de las diferencias e intervalo del 95 % por bootstrap: (media, inferior, superior)."""
    """en: Mean of the differences and 95 % interval by bootstrap: (mean, low, high)."""
    ### BEGIN SOLUTION
    differences = first - second
    interval = bootstrap((differences,), np.mean, method="percentile", rng=0).confidence_interval
    return differences.mean(), interval.low, interval.high
    ### END SOLUTION


def mcnemar_p(first, second):
    """es: Valor p bilateral de la prueba exacta de McNemar."""
    """en: Two-sided p value of McNemar's exact test."""
    ### BEGIN SOLUTION
    only_first, only_second = (first & ~second).sum(), (second & ~first).sum()
    if only_first + only_second == 0:
        return 1.0
    return binomtest(int(only_first), int(only_first + only_second)).pvalue
    ### END SOLUTION

# %% id="paired_check" nbgrader={"grade": true, "grade_id": "paired_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("paired", points=6) as checks:
    checks.experiment.paired_interval("paired.difference", paired_difference, points=3)
    cases = lab.supplied_results("hits", "hits")
    cases.append((cases[0][0], cases[0][0]))  # the same answers twice
    checks.scalars("paired.mcnemar", mcnemar_p, cases, points=3)
checks.score

# %% [markdown] id="comparison-text-es" tags=["lang-es"]
# ### El experimento
#
# Seis brazos, cinco semillas, las mismas actualizaciones. De cada entrenamiento se queda la mejor época de validación; la prueba se abre **una vez**, aquí. Las predicciones se guardan: todo lo que sigue se calcula con ellas.

# %% [markdown] id="comparison-text-en" tags=["lang-en"]
# ### The experiment
#
# Six arms, five seeds, equal updates. Each training run keeps its best epoch by validation; the test is opened **once**, here. The predictions are kept: all that follows is computed from them.

# %% id="experiment" tags=["raises-exception"]
num_seeds = budget(cpu=5, cuda=5, grading=2, device=device)
parts = {"test": test, "generated": set_apart} | ({"fresh": fresh} if fresh is not None else {})
predicted = {part: {arm: [] for arm in ARMS} for part in parts}  # probabilities, one array per seed
bar = progress(ARMS, "brazos")  # es
bar = progress(ARMS, "arms")  # en
for arm in bar:
    for seed in range(num_seeds):
        classifier, _ = run(arm, seed)
        for name, part in parts.items():
            predicted[name][arm].append(probabilities_of(classifier, part))

# %% id="results" tags=["raises-exception"]
REAL_PARTS = {"test": "prueba", "fresh": "frescas"}  # es
REAL_PARTS = {"test": "test", "fresh": "fresh"}  # en
REAL_PARTS = {part: f"{name} ({len(parts[part])})" for part, name in REAL_PARTS.items() if part in parts}
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc")


def measured(part, arm, measure):
    """es: Una medida de un brazo, un número por semilla."""
    """en: One measure of an arm, one number per seed."""
    labels = parts[part].labels.numpy()
    return np.array([scores(labels, probabilities)[measure] for probabilities in predicted[part][arm]])


for part, name in REAL_PARTS.items():
    print(f"{name:<18}" + "".join(f"{measure:>19}" for measure in MEASURES))
    for arm in ARMS:
        means = (measured(part, arm, measure).mean() for measure in MEASURES)
        print(f"  {ARM_NAMES[arm]:<16}" + "".join(f"{mean:>19.3f}" for mean in means))

# %% [markdown] id="results-text-es" tags=["lang-es"]
# Son medias de las semillas. Sigue la exactitud con su intervalo; cada punto es una semilla. Primero con la prueba de siempre, luego con las imágenes frescas.

# %% [markdown] id="results-text-en" tags=["lang-en"]
# These are means over the seeds. Accuracy follows with its interval; each dot is one seed. First on the usual test, then on the fresh pictures.

# %% id="accuracy-test" tags=["raises-exception"]
def accuracy_figure(part, title):
    """es: La exactitud de cada brazo, con su intervalo y sus semillas."""
    """en: The accuracy of each arm, with its interval and its seeds."""
    values = {name: measured(part, arm, "accuracy") for arm, name in ARM_NAMES.items()}
    means = {name: mean_interval(accuracies) for name, accuracies in values.items()}
    xlabel = "exactitud"  # es
    xlabel = "accuracy"  # en
    return intervals(means, points=values, title=title, xlabel=xlabel)


accuracy_figure("test", f"Prueba: {len(test)} imágenes reales")  # es
accuracy_figure("test", f"Test: {len(test)} real pictures")  # en

# %% id="accuracy-large" tags=["raises-exception"]
largest = "fresh" if fresh is not None else "test"
accuracy_figure(largest, f"La prueba más grande: {len(parts[largest])} imágenes")  # es
accuracy_figure(largest, f"The largest test: {len(parts[largest])} pictures")  # en

# %% [markdown] id="differences-text-es" tags=["lang-es"]
# ### Diferencias, por parejas
#
# ¿Cuánto gana cada brazo respecto del real? Hay dos azares: el de las **semillas** (¿y si se entrena otra vez?) y el de las **imágenes** (¿y si la prueba fuera otra?). La primera figura mide uno y da por fijas las imágenes de prueba; la segunda, el otro, y da por fijos los clasificadores.
#
# Aquí llamaremos **demostrada** a una diferencia si **ninguno** de los dos intervalos contiene el 0. Es una regla de trabajo, con tres reservas: los dos azares juntos pesan más que cada uno; son cinco comparaciones, y de cada veinte
# intervalos del 95 % falla en promedio uno; y ninguna figura mide qué pasaría con otras imágenes de entrenamiento y otro generador.

# %% [markdown] id="differences-text-en" tags=["lang-en"]
# ### Differences, in pairs
#
# How much does each arm gain over the real one? There are two kinds of chance: that of the **seeds** (what if it is trained again?) and that of the **pictures** (what if the test were another one?). The first figure measures one and takes the test pictures as fixed; the second, the other, and takes the classifiers as fixed.
#
# Here we shall call a difference **established** if **neither** interval contains 0. That is a working rule, with three reservations: both kinds of chance together weigh more than each; these are five comparisons, and of twenty
# 95 % intervals one fails on average; and no figure measures what would happen with other training pictures and another generator.

# %% id="differences-seeds" tags=["raises-exception"]
others = {arm: name for arm, name in ARM_NAMES.items() if arm != "real"}
baseline = measured(largest, "real", "accuracy")
gains = {name: measured(largest, arm, "accuracy") - baseline for arm, name in others.items()}
xlabel = "diferencia de exactitud"  # es
xlabel = "difference of accuracy"  # en
title = "Diferencia con «reales», semilla por semilla"  # es
title = "Difference from “real”, seed by seed"  # en
means = {name: mean_interval(gain) for name, gain in gains.items()}
intervals(means, points=gains, title=title, xlabel=xlabel, line=0.0)

# %% id="differences-pictures" tags=["raises-exception"]
def hits(part, arm):
    """es: ¿Acertó? Una fila por semilla, una columna por imagen."""
    """en: Was it right? One row per seed, one column per picture."""
    labels = parts[part].labels.numpy()
    return (np.array(predicted[part][arm]) >= 0.5) == labels


real_hits = hits(largest, "real").mean(axis=0)  # share of the seeds that were right, one per picture
by_picture = {name: paired_difference(hits(largest, arm).mean(axis=0), real_hits) for arm, name in others.items()}
title = "Diferencia con «reales», imagen por imagen"  # es
title = "Difference from “real”, picture by picture"  # en
intervals(by_picture, title=title, xlabel=xlabel, line=0.0)

# %% [markdown] id="mcnemar-text-es" tags=["lang-es"]
# ¿Y McNemar? Compara dos clasificadores **ya entrenados**, aquí los de la semilla 0. Fíjate en las repetidas, el control: son las mismas imágenes que las reales y las mismas actualizaciones, así que como manera de entrenar no hay por qué esperar diferencia. Un valor $p$ pequeño ahí dice que dos clasificadores difieren, no que difieran dos
# maneras de entrenar: el azar de los lotes basta para eso. Por eso una sola semilla no permite comparar maneras de entrenar, por muchas imágenes que tenga la prueba.

# %% [markdown] id="mcnemar-text-en" tags=["lang-en"]
# And McNemar? It compares two classifiers that **have been trained**, here those of seed 0. Look at the repeated arm, the control: it has the same pictures as the real one and the same updates, so as a way of training there is no reason to expect a difference. A small $p$ value there says that two classifiers differ, not that two ways of
# training do: the chance of the batches is enough for that. That is why one seed cannot compare ways of training, however many pictures the test has.

# %% id="mcnemar" tags=["raises-exception"]
for part, part_name in REAL_PARTS.items():
    print(part_name)
    for arm, name in others.items():
        p_value = mcnemar_p(hits(part, arm)[0], hits(part, "real")[0])
        print(f"  {name:<16}p = {p_value:.2g}")

# %% [markdown] id="original-text-es" tags=["lang-es"]
# ## 9. La afirmación, otra vez
#
# Los **mismos** clasificadores, medidos como en el trabajo del principio: con imágenes generadas dentro de la prueba. Son las que se apartaron en la sección 3, tantas como reales; nadie entrenó con ellas. No se entrena nada de nuevo.

# %% [markdown] id="original-text-en" tags=["lang-en"]
# ## 9. The claim once more
#
# The **same** classifiers, measured as in the work at the beginning: with generated pictures inside the test. They are those set apart in section 3, as many as real ones; nobody trained with them. Nothing is trained anew.

# %% id="original" tags=["raises-exception"]
def mixed_accuracy(arm):
    """es: Exactitud media en prueba y generadas juntas."""
    """en: Mean accuracy on test and generated pictures together."""
    return np.concatenate([hits("test", arm), hits("generated", arm)], axis=1).mean()


header = ("prueba", "generadas", "juntas")  # es
header = ("test", "generated", "together")  # en
print(f"{'':<16}{header[0]:>10}{header[1]:>12}{header[2]:>11}")
for arm in ("real", "generated", "both"):
    honest, own = hits("test", arm).mean(), hits("generated", arm).mean()
    print(f"{ARM_NAMES[arm]:<16}{honest:>10.3f}{own:>12.3f}{mixed_accuracy(arm):>11.3f}")

# %% [markdown] id="original-after-text-es" tags=["lang-es"]
# En la cuenta conjunta, quien entrenó con generadas parece mucho mejor, y la mayor parte de esa ventaja está en las generadas: acierta con imágenes nuevas de los generadores que ya conoce. Con las reales queda poco de ella, y si ese poco está demostrado lo dicen las figuras de arriba.
# Además, aquí cada clase tiene **su** generador: para acertar con una imagen generada puede bastar con reconocer la mano que la dibujó, sin buscar ninguna lesión.

# %% [markdown] id="original-after-text-en" tags=["lang-en"]
# In the joint figure, whoever trained with generated pictures looks much better, and most of that advantage lies in the generated ones: it is right about new pictures of generators that it knows already. On real ones little of it remains, and whether that little is established is for the figures above to say.
# Besides, each class has a generator of **its own** here: to be right about a generated picture it may be enough to recognise the hand that drew it, without looking for any lesion.

# %% [markdown] id="question-claim-text-es" tags=["lang-es"]
# ## 10. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (8 puntos).** Elige tres fallas del trabajo original. ¿En qué dirección empuja cada una el resultado, y qué hace este cuaderno para evitarla?

# %% [markdown] id="question-claim-text-en" tags=["lang-en"]
# ## 10. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (8 marks).** Choose three flaws of the original work. In which direction does each push the result, and what does this notebook do to avoid it?

# %% [markdown] id="question_claim" nbgrader={"grade": true, "grade_id": "question_claim", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Las generadas en la prueba empujan hacia arriba: el clasificador que entrenó con otras del mismo generador las acierta casi todas, aunque con las reales apenas cambie; aquí la prueba es real y la misma para todos. Las actualizaciones desiguales (780 contra 1410) pueden favorecer al segundo modelo; aquí todos los brazos dan los mismos pasos. Una sola semilla no empuja a ningún lado, pero deja pasar por mejora lo que es azar; aquí son cinco, con intervalos. Y elegir con la prueba infla a ambos; aquí se elige con la validación y la prueba se abre una vez.
# ### END SOLUTION

# %% [markdown] id="question-results-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** ¿Qué diferencias entre brazos muestran tus figuras que sean más que azar, y cuáles no? Compara lo que habrías concluido con la prueba de 51 imágenes y con las frescas.

# %% [markdown] id="question-results-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** Which differences between arms do your figures show to be more than chance, and which not? Compare what you would have concluded from the test of 51 pictures and from the fresh ones.

# %% [markdown] id="question_results" nbgrader={"grade": true, "grade_id": "question_results", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Con las 1012 frescas, el aumento clásico gana cerca de 0.03 y ambas cosas cerca de 0.04. Lo de ambas cosas queda lejos del 0 en las dos figuras; lo del aumento solo, en la de las semillas, apenas: un extremo de su intervalo está casi en el 0, y con otras cinco semillas podría contenerlo. Añadir generadas da cerca de 0.01: el intervalo de las semillas contiene el 0, así que no está demostrado, ni tampoco que no sirvan; y que ambas cosas superen al aumento solo no se ha medido. Con la prueba de 51 imágenes un error son 0.02 y casi todos los brazos quedan dentro de los intervalos de los demás: no habría podido distinguirlos.
# ### END SOLUTION

# %% [markdown] id="question-arms-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** ¿Para qué sirve el brazo de reales repetidas, y para qué el de solo generadas? ¿Qué dice este último sobre las imágenes generadas, comparado con lo que se veía en la figura de la sección 3?

# %% [markdown] id="question-arms-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** What is the arm of repeated real pictures for, and what the one of generated pictures only? What does the latter say about the generated pictures, compared with what the figure of section 3 showed?

# %% [markdown] id="question_arms" nbgrader={"grade": true, "grade_id": "question_arms", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# El de repetidas separa dos efectos: tener más imágenes y tener imágenes nuevas. Con las mismas actualizaciones no se distingue de las reales, como era de esperar; su valor p de McNemar, pequeño con una semilla, muestra cuánto cambia un clasificador por puro azar. El de solo generadas mide si lo generado contiene lo que hace falta para reconocer un tumor: acierta cerca del 86 % de las frescas, frente al 92 % de las reales, pero según la semilla va del 73 al 93 %, así que tampoco esa diferencia está demostrada. Algo enseñan, pues, aunque en la figura varias imágenes «con tumor» no tienen una lesión clara, y esas pueden enseñar una etiqueta falsa.
# ### END SOLUTION

# %% [markdown] id="question-ethics-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** Un hospital quiere publicar imágenes generadas en lugar de las de sus pacientes, y una empresa quiere entrenar con ellas un clasificador para venderlo. ¿Qué preguntarías antes a cada uno? Piensa en la privacidad, en quiénes faltan entre los datos, en las lesiones que el generador no dibuja y en quién responde por un error.

# %% [markdown] id="question-ethics-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** A hospital wants to publish generated pictures in place of those of its patients, and a company wants to train a classifier with them and sell it. What would you ask each of them first? Think of privacy, of who is missing from the data, of the lesions that the generator does not draw and of who answers for a mistake.

# %% [markdown] id="question_ethics" nbgrader={"grade": true, "grade_id": "question_ethics", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Al hospital: cómo midió que el generador no copia a ningún paciente (lo más parecido en el entrenamiento, comparado con imágenes apartadas), y si los pacientes consintieron; generada no quiere decir anónima. A la empresa: con qué pacientes reales se probó, de qué edades, aparatos y tipos de tumor, porque un generador repite lo que ya había y tiende a olvidar lo raro, que es lo que más importa no pasar por alto. A ambos: quién revisó que las imágenes con la etiqueta «tumor» tengan uno, si se dirá que los datos son generados y quién responde cuando el clasificador falle.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Partir **antes** de todo; estratificado; lo generado, solo en el entrenamiento; la prueba, una vez.
# - Mismas actualizaciones, mismo modelo, mismas imágenes de prueba, varias semillas.
# - La mejor época se elige con la validación, y `state_dict` se copia.
# - `eval()` y sin gradientes para predecir; un solo softmax; el AUC, con probabilidades.
# - Media con intervalo; diferencias por parejas; una prueba de 51 imágenes distingue poco.
# - «No hay diferencia demostrada» es un resultado.
#
# **Para seguir explorando (sin puntos).** Usa las imágenes de tu propio laboratorio 4, de las dos clases. ¿Y con 60 imágenes reales en vez de 151? ¿Y si las generadas valen menos en la pérdida?

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Split **before** anything else; stratified; generated pictures in training only; the test, once.
# - Equal updates, same model, same test pictures, several seeds.
# - The best epoch is chosen with the validation part, and `state_dict` is copied.
# - `eval()` and no gradients to predict; one softmax only; AUC from probabilities.
# - Mean with interval; differences in pairs; a test of 51 pictures tells little apart.
# - “No difference established” is a result.
#
# **To explore further (no marks).** Use the pictures of your own lab 4, of both classes. What about 60 real pictures instead of 151? And if generated ones count less in the loss?

# %% id="summary"
lab.summary()
