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
# Al terminar sabrás dividir los datos sin fugas, entrenar y evaluar un clasificador, elegir la mejor época sin tocar la prueba, comparar
# variantes con las mismas actualizaciones y las mismas imágenes de prueba, y decir qué diferencias no se explican por el azar.
#
# Lo que se califica es el **método**. Que las imágenes generadas ayuden, estorben o den igual no cambia tu nota.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda plegada que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se observó y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.
# Tus funciones no deben modificar lo que reciben (modos, parámetros, semillas), salvo lo que se pida, y deben servir en CPU y en GPU.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 6: do generated pictures help? An honest experiment
#
# GANs are sold as a remedy for scarce data: generate pictures, add them to the real ones, and the classifier gets better. Really?
# In this lab you do not build another GAN: you **test a claim**, with a classifier of brain slices and the pictures of lab 4.
#
# By the end you will be able to split data without leaks, to train and evaluate a classifier, to choose the best epoch without touching the
# test set, to compare variants with equal updates on the same test pictures, and to say which differences chance does not explain.
#
# What is graded is the **method**. Whether generated pictures help, harm or make no difference does not change your marks.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the folded cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions at the end, 30.
# Your functions must leave what they receive unchanged (modes, parameters, seeds) unless asked otherwise, and must work on a CPU and on a GPU.

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
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import binomtest, bootstrap, fisher_exact, ttest_1samp
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    log_loss,
    precision_recall_fscore_support,
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
from course.plots import confusion_matrices, curves, image_grid, interval_panels, intervals, table
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

# %% [markdown] id="claim-text-es" tags=["lang-es"]
# ## 1. Una afirmación (6 puntos)
#
# El original de este laboratorio, una tesis de grado, entrenó un clasificador con 202 de sus 253 resonancias y lo probó con las otras 51. Después añadió unas 215 imágenes
# generadas con WGAN-GP (Gulrajani et al., 2017), volvió a dividir y entrenó otro. Resultado: la exactitud (*accuracy*) subió de **88.2 %** a **93.6 %**. Su conclusión: las imágenes generadas mejoran el modelo de forma «significativa».
#
# Detrás de los porcentajes hay recuentos: **6 errores de 51** imágenes de prueba contra **6 de 94**. Antes de creerlo, dos cálculos:
#
# - `error_interval(errors, total)`: el intervalo de confianza del 95 % de la tasa de error, por el método de **Wilson** (Wilson, 1927): las tasas que los recuentos no descartan.
#   Devuelve los dos extremos, primero el inferior.
# - `fisher_p(errors_a, total_a, errors_b, total_b)`: el valor $p$ bilateral de la **prueba exacta de Fisher** (Fisher, 1935): qué tan rara sería una diferencia así, o mayor, si ambos modelos
#   se equivocaran con la misma frecuencia.
#
# Pistas: `binomtest(...).proportion_ci(method="wilson")`; `fisher_exact` recibe una tabla de **errores y aciertos**, no de errores y totales.

# %% [markdown] id="claim-text-en" tags=["lang-en"]
# ## 1. A claim (6 marks)
#
# The original of this lab, a bachelor's thesis, trained a classifier with 202 of its 253 MRI slices and tested it with the other 51. Then it added about 215 pictures generated with WGAN-GP (Gulrajani et al., 2017), split anew and trained another one. Result: accuracy (*exactitud*) rose
# from **88.2 %** to **93.6 %**. Its conclusion: the generated pictures improve the model “significantly”.
#
# Behind the percentages there are counts: **6 errors in 51** test pictures against **6 in 94**. Before we believe it, two calculations:
#
# - `error_interval(errors, total)`: the 95 % confidence interval of the error rate, by **Wilson's** method (Wilson, 1927): the rates that the counts do not rule out. It returns both ends, the lower one first.
# - `fisher_p(errors_a, total_a, errors_b, total_b)`: the two-sided $p$ value of **Fisher's exact test** (Fisher, 1935): how rare a difference like this one, or a greater one, would be if both models
#   were wrong equally often.
#
# Hints: `binomtest(...).proportion_ci(method="wilson")`; `fisher_exact` takes a table of **errors and correct answers**, not of errors and totals.

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
    return fisher_exact(table, alternative="two-sided").pvalue
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
intervals(rates, title="Tasas de error e intervalos del 95 %", xlabel="tasa de error")  # es
intervals(rates, title="Error rates and 95 % intervals", xlabel="error rate")  # en

# %% [markdown] id="claim-flaws-text-es" tags=["lang-es"]
# Si los dos modelos se equivocaran con la misma frecuencia, una diferencia así o mayor saldría en una de cada tres comparaciones: con estos recuentos no se distingue a uno del otro.
# (Que los intervalos se solapen no basta para decirlo: pueden solaparse y la diferencia ser clara. Para eso está el valor $p$.) Y hay más, todo comprobable en el código de la tesis:
#
# - mezcló lo generado con lo real **antes** de dividir: cerca de 43 de las 94 imágenes de prueba eran **generadas**;
# - las dos pruebas son **distintas**: no se compara lo mismo con lo mismo;
# - 41 de las 253 imágenes son copias de otra: en promedio, 12 de 51 imágenes de prueba tienen una copia en el entrenamiento;
# - la GAN había visto las imágenes de prueba, y la prueba sirvió también de validación;
# - un modelo hizo 780 actualizaciones y el otro 1 410;
# - una sola semilla, y pérdidas (*loss*) comparadas que incluyen la regularización.
#
# Los recuentos publicados no dicen dónde cayeron los 6 errores del segundo modelo. Si fue entre las imágenes reales de su prueba, unas 51, con reales acertó otra vez el 88 %; si fue entre las generadas, el 100 %. Ahora hagámoslo bien.

# %% [markdown] id="claim-flaws-text-en" tags=["lang-en"]
# If both models were wrong equally often, a difference like this one or a greater one would come out in one comparison of three: these counts cannot tell the two
# apart. (That the intervals overlap is not enough to say so: they may overlap while the difference is clear. The $p$ value is there for that.) And there is more,
# all of it to be seen in the code of the thesis:
#
# - it mixed generated with real pictures **before** splitting: about 43 of the 94 test pictures were **generated**;
# - the two tests are **different**: like is not compared with like;
# - 41 of the 253 pictures are copies of another: on average, 12 of 51 test pictures have a copy in the training set;
# - the GAN had seen the test pictures, and the test set served for validation too;
# - one model made 780 updates and the other 1,410;
# - one seed only, and losses (*pérdida*) were compared that include the regularisation.
#
# The counts published do not say where the 6 errors of the second model fell. If among the real pictures of its test set, about 51, it was right on 88 % of the real ones once more; if among the generated ones, on 100 %. Now let us do it properly.

# %% id="claim-counts" tags=["active-py", "claim"]
# of: claim-text
# es: Resultado: la exactitud (*accuracy*) subió de **88.2 %** a **93.6 %**.
# en: Result: accuracy (*exactitud*) rose from **88.2 %** to **93.6 %**.
# es: Detrás de los porcentajes hay recuentos: **6 errores de 51** imágenes de prueba contra **6 de 94**.
# en: Behind the percentages there are counts: **6 errors in 51** test pictures against **6 in 94**.
# of: claim-flaws-text
# es: Si los dos modelos se equivocaran con la misma frecuencia, una diferencia así o mayor saldría en una de cada tres comparaciones: …
# en: If both models were wrong equally often, a difference like this one or a greater one would come out in one comparison of three: …
# es: Si fue entre las imágenes reales de su prueba, unas 51, con reales acertó otra vez el 88 %; si fue entre las generadas, el 100 %.
# en: If among the real pictures of its test set, about 51, it was right on 88 % of the real ones once more; if among the generated ones, on 100 %.
assert round(100 * (1 - 6 / 51), 1) == 88.2
assert round(100 * (1 - 6 / 94), 1) == 93.6
assert 0.28 < fisher_p(6, 51, 6, 94) < 0.4
assert rates["6 / 94"][1] < rates["6 / 51"][1] < rates["6 / 94"][2]
assert 94 - 43 == 51 and round(100 * (51 - 6) / 51) == 88 and 43 >= 6

# %% id="claim-overlap" tags=["active-py", "claim"]
# of: claim-flaws-text
# es: (Que los intervalos se solapen no basta para decirlo: pueden solaparse y la diferencia ser clara.
# en: (That the intervals overlap is not enough to say so: they may overlap while the difference is clear.
assert error_interval(20, 100)[0] < error_interval(9, 100)[1]
assert fisher_p(20, 100, 9, 100) < 0.05

# %% [markdown] id="data-text-es" tags=["lang-es"]
# ## 2. Los datos, divididos antes que nada (7 puntos)
#
# Cortes de cerebro con tumor (clase 1) y sin él (clase 0): fantomas dibujados o, si `COURSE_DATA` contiene la carpeta `brain_tumor_dataset`, resonancias reales, sin duplicados.
# La prueba es la de todos los laboratorios, `split_brains`: ninguna GAN la ha visto, y aquí nadie la toca hasta el final.
#
# Con los fantomas tenemos un lujo que la medicina no conoce: dibujar mil imágenes **nuevas** de la misma distribución, y ver así cuán gruesa es una prueba de 51.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 2. The data, split before anything else (7 marks)
#
# Brain slices with a tumour (class 1) and without (class 0): drawn phantoms or, if `COURSE_DATA` holds the folder `brain_tumor_dataset`, real MRI slices, without duplicates.
# The test set is that of all labs, `split_brains`: no GAN has seen it, and here nobody touches it until the end.
#
# With phantoms we have a luxury that medicine does not know: to draw a thousand **fresh** pictures of the same distribution, and so to see how coarse a test set of 51 is.

# %% id="data"
brains = load_brains()
rest, test = split_brains(brains)
# es: Cuántas imágenes nuevas por cada real.
# en: How many fresh pictures for each real one.
times = budget(cpu=4, cuda=4, grading=1, device=device)
fresh = brain_phantoms(98 * times, 155 * times, seed=1) if brains.name == "phantoms" else None
shown = torch.cat([rest.of_class("no")[:8], rest.of_class("yes")[:8]])  # (16, 1, 32, 32)
image_grid(shown, title="Cortes de cerebro", rows=["sin tumor", "con tumor"], side=96)  # es
image_grid(shown, title="Brain slices", rows=["no tumour", "tumour"], side=96)  # en

# %% id="claim-data" tags=["active-py", "claim"]
# of: data-text
# es: Con los fantomas tenemos un lujo que la medicina no conoce: dibujar mil imágenes **nuevas** de la misma distribución, y ver así cuán gruesa es una prueba de 51.
# en: With phantoms we have a luxury that medicine does not know: to draw a thousand **fresh** pictures of the same distribution, and so to see how coarse a test set of 51 is.
assert len(test) == 51 and len(fresh) == 4 * 253

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
# Las partes que usa el resto del cuaderno las fija `split_brains`, que divide igual: los generadores del curso, uno por clase, se entrenaron solo con la de entrenamiento. Debajo, la proporción de tumores de la parte pequeña con tres semillas: según tu `split`, y sin estratificar.

# %% [markdown] id="parts-text-en" tags=["lang-en"]
# The parts that the rest of the notebook uses are fixed by `split_brains`, which splits in the same way: the course's generators, one per class, were trained with the training part only. Below, the share of tumours in the smaller part under three seeds: by your `split`, and not stratified.

# %% id="parts" tags=["raises-exception"]
training, validation = split_brains(rest, test_share=0.25)
sets = {"entrenamiento": training, "validación": validation, "prueba": test, "nuevas": fresh}  # es
sets = {"training": training, "validation": validation, "test": test, "fresh": fresh}  # en
for name, part in sets.items():
    if part is not None:
        print(f"{name:<14}{len(part):>5}   con tumor: {part.labels.double().mean():.1%}")  # es
        print(f"{name:<14}{len(part):>5}   with a tumour: {part.labels.double().mean():.1%}")  # en

# %% id="stratified" tags=["raises-exception"]
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
# Las imágenes generadas son las que exportó tu laboratorio 4 a `generated/no` y `generated/yes` junto a este cuaderno; si no hay, un conjunto que viene con el curso: lo hicieron dos WGAN-GP, una por clase, con la solución de ese laboratorio.
# Se usa una por cada imagen real de entrenamiento, y otras, tantas como la prueba, se apartan para la sección 9: con ellas no entrena nadie. (Si usas las tuyas, ten en cuenta que tu GAN vio también las imágenes que aquí son de validación. Las de prueba, no.)
#
# Míralas con ojo crítico. ¿Tienen lesión las de la clase «con tumor»? Debajo de cada una, la imagen real de entrenamiento más parecida píxel por píxel, de la clase que sea, con su distancia y su clase. Una copia quedaría
# mucho más cerca de su vecina que una imagen real que no se usó para entrenar.

# %% [markdown] id="generated-text-en" tags=["lang-en"]
# ## 3. What to train with (6 marks)
#
# The generated pictures are those that your lab 4 exported to `generated/no` and `generated/yes` beside this notebook; if there are none, a set that comes with the course: two WGAN-GPs, one per class, made it with the solution of that lab.
# One is used for each real training picture, and others, as many as the test set has, are set apart for section 9: nobody trains with them. (If you use your own, bear in mind that your GAN has also seen the pictures that serve for validation here. Those of the test set it has not.)
#
# Look at them critically. Do those of class “tumour” have a lesion? Below each one, the real training picture most like it pixel by pixel, of whichever class, with its distance and its class. A copy would be
# much nearer to its neighbour than a real picture that nobody trained with.

# %% id="generated" tags=["raises-exception"]
generated = load_generated(training)
set_apart = load_generated(test, besides=generated)
sets = {"generadas": generated, "validación": validation}  # es
sets = {"generated": generated, "validation": validation}  # en
for name, part in sets.items():
    distance, _ = nearest_neighbours(part.images, training.images)
    print(f"{name:<12}distancia a la vecina: {distance.mean():.2f}, la menor {distance.min():.2f}")  # es
    print(f"{name:<12}distance to the neighbour: {distance.mean():.2f}, the least {distance.min():.2f}")  # en
_, places = nearest_neighbours(generated.of_class("yes"), training.images)
without = (training.labels[places] == 0).double().mean()
print(f"generadas con tumor cuya vecina no lo tiene: {without:.0%}")  # es
print(f"generated with a tumour whose neighbour has none: {without:.0%}")  # en

# %% [markdown] id="neighbours-text-es" tags=["lang-es"]
# Las del curso quedan, en promedio, algo **más lejos** de su vecina (0.22) que las de validación de la suya (0.20): nada indica que sean copias. Si tienen lesión es otra pregunta, y esta distancia no la contesta: una lesión
# ocupa pocos píxeles, y más de la mitad de las generadas «con tumor» tienen por vecina una imagen sin tumor.

# %% [markdown] id="neighbours-text-en" tags=["lang-en"]
# Those of the course lie, on average, a little **farther** from their neighbours (0.22) than those of the validation part from theirs (0.20): nothing suggests that they are copies. Whether they have a lesion is another question, which
# this distance does not answer: a lesion takes few pixels, and more than half of the generated pictures “with a tumour” have a neighbour without one.

# %% id="neighbours" tags=["raises-exception"]
shown, captions = [], []
kinds = ["sin tumor", "tumor"]  # es
kinds = ["no tumour", "tumour"]  # en
for kind in ("no", "yes"):
    chosen = generated.of_class(kind)[:8]  # (8, 1, 32, 32)
    distances, places = nearest_neighbours(chosen, training.images)
    shown += [chosen, training.images[places]]
    neighbours = zip(distances.tolist(), training.labels[places].tolist(), strict=True)
    captions += [""] * 8 + [f"{distance:.2f} {kinds[label]}" for distance, label in neighbours]
shown.append(training.of_class("yes")[:8])
rows = ["sin tumor, generadas", "vecinas reales", "con tumor, generadas", "vecinas reales", "con tumor, reales"]  # es
rows = ["no tumour, generated", "real neighbours", "tumour, generated", "real neighbours", "tumour, real"]  # en
title = "Imágenes generadas y las reales de entrenamiento más parecidas"  # es
title = "Generated pictures and the real training pictures most like them"  # en
image_grid(torch.cat(shown), title=title, rows=rows, captions=captions, side=96)

# %% id="claim-generated" tags=["active-py", "claim"]
# of: generated-text
# es: Se usa una por cada imagen real de entrenamiento, y otras, tantas como la prueba, se apartan para la sección 9: con ellas no entrena nadie.
# en: One is used for each real training picture, and others, as many as the test set has, are set apart for section 9: nobody trains with them.
# of: parts-text
# es: Debajo, la proporción de tumores de la parte pequeña con tres semillas: según tu `split`, y sin estratificar.
# en: Below, the share of tumours in the smaller part under three seeds: by your `split`, and not stratified.
# of: neighbours-text
# es: Las del curso quedan, en promedio, algo **más lejos** de su vecina (0.22) que las de validación de la suya (0.20): …
# en: Those of the course lie, on average, a little **farther** from their neighbours (0.22) than those of the validation part from theirs (0.20): …
# es: Si tienen lesión es otra pregunta, y esta distancia no la contesta: una lesión ocupa pocos píxeles, y más de la mitad de las generadas «con tumor» tienen por vecina una imagen sin tumor.
# en: Whether they have a lesion is another question, which this distance does not answer: a lesion takes few pixels, and more than half of the generated pictures “with a tumour” have a neighbour without one.
assert len(generated) == len(training) and len(set_apart) == len(test)
means = [nearest_neighbours(part.images, training.images)[0].mean().item() for part in (generated, validation)]
assert [round(mean, 2) for mean in means] == [0.22, 0.2]
own = nearest_neighbours(generated.of_class("yes"), training.images)[1]
assert 0.53 < (training.labels[own] == 0).double().mean() < 0.7
assert (set_apart.images.flatten(1)[:, None] == generated.images.flatten(1)).all(dim=2).sum() == 0
assert all(abs(labels[split(labels, 0.25, seed)[1]].mean() - labels.mean()) < 0.01 for seed in range(3))

# %% [markdown] id="training_set-text-es" tags=["lang-es"]
# Se comparan **brazos**, como en un ensayo clínico: todos entrenan igual, solo cambian las imágenes. Escribe `training_set(arm, real, fake)`; `real` y `fake` son parejas de tensores `(imágenes, etiquetas)`,
# y también lo es lo que devuelve:
#
# | `arm` | imágenes |
# |---|---|
# | `"real"` | las reales |
# | `"fake"` | las generadas |
# | `"mixed"` | unas y otras |
# | `"oversampled"` | las reales **repetidas** en orden hasta ser tantas como en `"mixed"` (la última vuelta puede quedar a medias) |
#
# El brazo repetido es el control: tiene tantas imágenes como la mezcla y ninguna nueva. Las etiquetas siguen siendo enteros (`int64`) y acompañan a su imagen. Pista: `torch.arange(total) % len(imágenes)` son los índices de la repetición.

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
# The repeated arm is the control: it has as many pictures as the mixture, and none that is new. Labels remain integers (`int64`) and go with their picture. Hint: `torch.arange(total) % len(images)` are the indices of the repetition.

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
# ## 4. Aumento de datos clásico (5 puntos)
#
# Antes de las GAN ya se «inventaban» imágenes: reflejándolas y desplazándolas un poco, cada vez de otro modo. Escribe `augment(images)`, con `images` de forma `(n, 1, alto, ancho)`, que están en la CPU:
#
# 1. **un número al azar por imagen** decide el reflejo: se refleja (izquierda con derecha) donde `torch.rand(n) < 0.5`;
# 2. `torch.randint(-2, 3, (n, 2))` dice cuántos píxeles se desplaza cada una después: la primera columna, hacia abajo; la segunda, hacia la derecha. Lo que sale por un lado entra por el otro (`torch.roll`); el borde es casi negro, así que apenas se nota.
#
# Devuelve un tensor nuevo; las imágenes recibidas no cambian. Los aumentos de torchvision aplicados al lote (*batch*) entero no sirven: eligen al azar una sola vez para todas sus imágenes.

# %% [markdown] id="augment-text-en" tags=["lang-en"]
# ## 4. Classical augmentation (5 marks)
#
# Pictures were “invented” before there were GANs: by mirroring and shifting them a little, each time in another way. Write `augment(images)`, with `images` of shape `(n, 1, height, width)`, on the CPU:
#
# 1. **one draw per picture** decides the mirror: a picture is mirrored (left to right) where `torch.rand(n) < 0.5`;
# 2. `torch.randint(-2, 3, (n, 2))` says by how many pixels each is shifted after that: the first column, downwards; the second, to the right. What leaves on one side comes in on the other (`torch.roll`); the border is nearly black, so it hardly shows.
#
# Return a new tensor; the pictures received do not change. The augmentations of torchvision applied to a whole batch (*lote*) do not serve: they draw once for all its pictures.

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
original = training.images[:1]  # (1, 1, 32, 32)
versions = torch.cat([original, augment(original.expand(7, -1, -1, -1))])  # (8, 1, 32, 32)
title, captions = "Una imagen y siete aumentos de ella", ["original", *"1234567"]  # es
title, captions = "A picture and seven augmentations of it", ["original", *"1234567"]  # en
image_grid(versions, title=title, captions=captions, side=96)

# %% [markdown] id="classifier-text-es" tags=["lang-es"]
# ## 5. El clasificador (8 puntos)
#
# Como en el original: una red ya hecha (la **red base**, *backbone*) convierte la imagen en características (*features*), y una cabeza pequeña decide. La red base es EfficientNet-B3 (Tan y
# Le, 2019) en una GPU, si sus pesos están disponibles, y si no una red pequeña de tres convoluciones; la elige `make_backbone`. También ella se entrena. Escribe
# `Classifier(backbone, features)`, con estas capas (el nombre `dense` lo usa el paso de entrenamiento; los demás puedes elegirlos):
#
# | atributo | capa |
# |---|---|
# | `backbone` | el que se recibe: imágenes → `(n, features)` |
# | `norm` | `BatchNorm1d` de las características |
# | `dense` | lineal, `features` → 256 |
# | `dropout` | dropout de 0.45 (Srivastava et al., 2014) |
# | `output` | lineal, 256 → 2 |
#
# y tres métodos: `hidden(images)` son las **activaciones** `(n, 256)`: red base, `norm`, `dense`, ReLU. `classify(hidden)` son los **logits** `(n, 2)`: dropout,
# `output`. `forward(images)` es uno tras otro. No hay softmax: la entropía cruzada de PyTorch lo lleva dentro.

# %% [markdown] id="classifier-text-en" tags=["lang-en"]
# ## 5. The classifier (8 marks)
#
# As in the original: a ready-made network (the **backbone**, *red base*) turns the picture into features (*características*), and a small head decides. The backbone is EfficientNet-B3 (Tan and Le, 2019)
# on a GPU, if its weights are at hand, else a small network of three convolutions; `make_backbone` chooses. It is trained too. Write
# `Classifier(backbone, features)`, with these layers (the training step uses the name `dense`; the others are yours to choose):
#
# | attribute | layer |
# |---|---|
# | `backbone` | the one received: pictures → `(n, features)` |
# | `norm` | `BatchNorm1d` of the features |
# | `dense` | linear, `features` → 256 |
# | `dropout` | dropout of 0.45 (Srivastava et al., 2014) |
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
        input_shape=(1, 3, 4),
        output_shape=(2,),
        parameters=3_868,
        layers=("dense.weight",),  # the training step uses it
        points=2,
    )
    small_classifier = partial(Classifier, nn.Flatten(), 12)
    checks.network_output(
        "classifier.hidden",
        small_classifier,
        input_shape=(1, 3, 4),
        training=True,
        ways=(("hidden",),),
        points=2,
    )
    small_ways = (("forward",), ("hidden", "classify"))
    checks.network_output(
        "classifier.logits",
        partial(Classifier, nn.Flatten(), 20),
        input_shape=(1, 4, 5),
        ways=small_ways,
        points=2,
    )
    checks.dropout(
        "classifier.dropout", small_classifier, input_shape=(1, 3, 4), ways=small_ways, points=2
    )
checks.score

# %% [markdown] id="efficientnet-text-es" tags=["lang-es"]
# EfficientNet es una familia, de B0 a B7, cuyas redes crecen a la vez en profundidad, en anchura y en resolución. El original usó la B3, que tiene unos 12 millones de parámetros; la red pequeña de este cuaderno tiene menos de 30 000.

# %% [markdown] id="efficientnet-text-en" tags=["lang-en"]
# EfficientNet is a family, from B0 to B7, whose networks grow in depth, in width and in resolution at once. The original used B3, which has some 12 million parameters; the small network of this notebook has fewer than 30,000.

# %% id="efficientnet"
backbone = make_backbone("auto", device)
size = sum(parameter.numel() for parameter in backbone.parameters())
print(f"parámetros: {size:,}".replace(",", " "))  # es
print(f"parameters: {size:,}")  # en

# %% id="claim-efficientnet" tags=["active-py", "claim"]
# of: efficientnet-text
# es: El original usó la B3, que tiene unos 12 millones de parámetros; la red pequeña de este cuaderno tiene menos de 30 000.
# en: The original used B3, which has some 12 million parameters; the small network of this notebook has fewer than 30,000.
from torchvision.models import efficientnet_b3

assert sum(p.numel() for p in make_backbone("small", report=lambda line: None).parameters()) < 30_000
assert round(sum(parameter.numel() for parameter in efficientnet_b3().parameters()) / 1e6) == 12

# %% [markdown] id="regularisation-text-es" tags=["lang-es"]
# ### Regularización (5 puntos)
#
# El original añadía a la entropía cruzada tres penalizaciones de la capa densa, contra el sobreajuste (*overfitting*). Con pesos $W$, sesgos (*bias*) $b$ y activaciones $a_1 \ldots a_n$ de un lote de $n$ imágenes:
#
# $$0.016 \sum W^2 \;+\; 0.006 \sum |b| \;+\; \frac{0.006}{n} \sum_{i=1}^{n} \sum |a_i|$$
#
# L2 sobre los pesos, L1 sobre los sesgos y L1 sobre las activaciones (el Keras del original las divide entre el tamaño del lote). Escribe `regularisation(weight, bias, activations)`, con las activaciones `(n, unidades)`; devuelve un tensor con un número, por el que pasan gradientes.

# %% [markdown] id="regularisation-text-en" tags=["lang-en"]
# ### Regularisation (5 marks)
#
# The original added three penalties of the dense layer to the cross-entropy, against overfitting (*sobreajuste*). With weights $W$, biases (*sesgo*) $b$ and the activations $a_1 \ldots a_n$ of a batch of $n$ pictures:
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
        for units, size in [(4, 17), (6, 11), (5, 8), (7, 13)]
    ]
    checks.loss("regularisation.gradients", regularisation, cases, points=5)
checks.score

# %% [markdown] id="penalties-text-es" tags=["lang-es"]
# ¿En qué se distinguen? El gradiente de $w^2$ es $2w$: la L2 empuja cada número hacia 0 con una fuerza proporcional a él, y deja muchos **pequeños**. El de $|w|$ es $\pm 1$: la L1 empuja con la misma fuerza
# a los grandes y a los pequeños; en su mínimo muchos valen exactamente 0, y el resultado es **disperso** (*sparse*; Tibshirani, 1996). (Los pasos de gradiente no se detienen en el 0: oscilan a su alrededor.) Compruébalo con tres números.

# %% [markdown] id="penalties-text-en" tags=["lang-en"]
# How do they differ? The gradient of $w^2$ is $2w$: L2 pushes each number towards 0 with a force in proportion to it, and leaves many **small** ones. That of $|w|$ is $\pm 1$: L1 pushes large and small
# ones with equal force; at its minimum many are exactly 0, and the result is **sparse** (Tibshirani, 1996). (Gradient steps do not stop at 0: they swing around it.) See it with three numbers.

# %% id="penalties"
weight = torch.tensor([1.0, 0.1, -0.01], requires_grad=True)
(l2_pull,) = torch.autograd.grad(weight.square().sum(), weight)
(l1_pull,) = torch.autograd.grad(weight.abs().sum(), weight)
rows = [[f"{number:g}" for number in numbers] for numbers in zip(weight, l2_pull, l1_pull, strict=True)]
table(["w", "gradiente de w²", "gradiente de |w|"], rows)  # es
table(["w", "gradient of w²", "gradient of |w|"], rows)  # en

# %% id="claim-penalties" tags=["active-py", "claim"]
# of: penalties-text
# es: El de $|w|$ es $\pm 1$: la L1 empuja con la misma fuerza a los grandes y a los pequeños; …
# en: That of $|w|$ is $\pm 1$: L1 pushes large and small ones with equal force; …
# es: (Los pasos de gradiente no se detienen en el 0: oscilan a su alrededor.)
# en: (Gradient steps do not stop at 0: they swing around it.)
assert l2_pull.allclose(2 * weight)
assert l1_pull.equal(weight.sign())
number = torch.tensor([0.0105], requires_grad=True)
small_steps, visited = torch.optim.Adamax([number], lr=0.001), []
for _ in range(60):
    small_steps.zero_grad()
    number.abs().sum().backward()
    small_steps.step()
    visited.append(number.item())
assert min(visited) < 0 and max(visited[30:]) > 0 and 0.0 not in visited and max(map(abs, visited[40:])) < 0.005

# %% [markdown] id="train_step-text-es" tags=["lang-es"]
# ## 6. Entrenar y evaluar
# ### Un paso (8 puntos)
#
# Escribe `train_step(classifier, optimizer, images, labels, penalty)`:
#
# 1. modo **train**: una evaluación anterior pudo dejar otro;
# 2. gradientes a cero, al principio;
# 3. entropía cruzada de los logits, más `penalty(pesos de dense, sesgos de dense, activaciones)`: usa `classifier.hidden` y `classifier.classify`, **una** pasada: cada una mueve las estadísticas de la normalización. `penalty` es una función como tu `regularisation`; llámala por el nombre con que llega;
# 4. retropropagación y un paso del optimizador;
# 5. devuelve, como número (de Python, o tensor de un elemento), **solo la entropía cruzada**. Así se pueden comparar pérdidas; el original comparaba sumas con regularización.

# %% [markdown] id="train_step-text-en" tags=["lang-en"]
# ## 6. Training and evaluating
# ### One step (8 marks)
#
# Write `train_step(classifier, optimizer, images, labels, penalty)`:
#
# 1. **train** mode: an evaluation before may have left another one;
# 2. gradients to zero, at the start;
# 3. cross-entropy of the logits, plus `penalty(weights of dense, biases of dense, activations)`: use `classifier.hidden` and `classifier.classify`, **one** pass: each moves the statistics of the normalisation. `penalty` is a function like your `regularisation`; call it by the name it comes with;
# 4. backward pass and one step of the optimiser;
# 5. return, as a number (of Python, or a tensor with one element), **the cross-entropy alone**. That makes losses comparable; the original compared sums with regularisation.

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
# Escribe `predict(classifier, images)`: la probabilidad de la clase 1 (tumor) de cada imagen, un tensor `(n,)`. En modo **eval**, sin gradientes, con **un** softmax sobre las clases. El clasificador puede quedar en modo eval: `train_step` lo devuelve a train.

# %% [markdown] id="predict-text-en" tags=["lang-en"]
# ### Predicting (5 marks)
#
# Write `predict(classifier, images)`: the probability of class 1 (tumour) of each picture, a tensor `(n,)`. In **eval** mode, without gradients, with **one** softmax over the classes. The classifier may stay in eval mode: `train_step` takes it back to train.

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
# - `"accuracy"`, `"balanced_accuracy"` (la media de la exhaustividad, *recall*, de las clases) y `"macro_f1"`: de la decisión «tumor» si la probabilidad es 0.5 o más;
# - `"roc_auc"`: de las **probabilidades**: la frecuencia con que una imagen con tumor recibe una probabilidad mayor que una sin él.
#
# Todo está en scikit-learn.

# %% [markdown] id="scores-text-en" tags=["lang-en"]
# ### Measuring (5 marks)
#
# Accuracy alone misleads when classes are unequal: a classifier that always says “tumour” is right for 61 % of the pictures here. Write `scores(labels, probabilities)`, with NumPy arrays, which returns a dictionary:
#
# - `"accuracy"`, `"balanced_accuracy"` (the mean recall of the classes) and `"macro_f1"`: of the decision “tumour” if the probability is 0.5 or more;
# - `"roc_auc"`: of the **probabilities**: how often a picture with a tumour gets a higher probability than one without.
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

# %% id="claim-unequal" tags=["active-py", "claim"]
# of: scores-text
# es: La exactitud sola engaña cuando las clases son desiguales: quien siempre dice «tumor» acierta aquí el 61 %.
# en: Accuracy alone misleads when classes are unequal: a classifier that always says “tumour” is right for 61 % of the pictures here.
assert round(100 * brains.labels.double().mean().item()) == 61

# %% [markdown] id="fit-text-es" tags=["lang-es"]
# ### Quedarse con la mejor época (6 puntos)
#
# Un clasificador entrenado de más puede empeorar. Se guarda el de la época con mejor puntuación (*score*) **de validación**; elegirlo con la prueba sería hacer trampa. Escribe `fit(classifier, train_epoch, validate, num_epochs)`:
#
# - en cada época: `train_epoch()`, después `validate()`, que devuelve una puntuación (más es mejor; puede ser negativa);
# - al final el clasificador queda como estaba tras la **primera** época con la mejor puntuación: parámetros y estadísticas de la normalización, o sea su `state_dict`;
# - devuelve la lista de puntuaciones, en orden.
#
# Cuidado: `state_dict()` no copia. Sus tensores siguen cambiando con el entrenamiento; `copy.deepcopy` los fija.

# %% [markdown] id="fit-text-en" tags=["lang-en"]
# ### Keeping the best epoch (6 marks)
#
# A classifier that trains for too long may get worse. The one of the epoch with the best **validation** score (*puntuación*) is kept; to choose it with the test set would be cheating. Write `fit(classifier, train_epoch, validate, num_epochs)`:
#
# - in each epoch: `train_epoch()`, then `validate()`, which returns a score (more is better; it may be negative);
# - in the end the classifier is as it was after the **first** epoch with the best score: parameters and statistics of the normalisation, that is, its `state_dict`;
# - return the list of scores, in order.
#
# Careful: `state_dict()` does not copy. Its tensors go on changing with the training; `copy.deepcopy` fixes them.

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
# Aquí se juntan las piezas. Una «época» son 25 pasos con lotes de 16, en **todos** los brazos: tener más imágenes no da más actualizaciones. La semilla fija los pesos iniciales
# (con EfficientNet, los de la cabeza: los demás vienen ya entrenados), así que con la misma semilla todos los brazos empiezan igual.

# %% [markdown] id="one-text-en" tags=["lang-en"]
# ## 7. One training run, close up
#
# Here the pieces come together. An “epoch” is 25 steps with batches of 16, in **all** arms: having more pictures does not give more updates. The seed fixes the initial weights
# (with EfficientNet, those of the head: the others come trained), so with the same seed all arms start alike.

# %% id="batches"
STEPS_PER_EPOCH, BATCH_SIZE = budget(cpu=25, cuda=25, grading=2, device=device), 16
real = (training.images, training.labels)
fake = (generated.images, generated.labels)


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
class Arm(NamedTuple):
    """es: Con qué entrena un brazo, si lo aumenta y con qué brazo se compara, su control."""
    """en: What an arm trains with, whether it augments it, and the arm it is compared with, its control."""

    images: str
    augmented: bool = False
    control: str | None = None


ARMS = {
    "real": Arm("real"),
    "oversampled": Arm("oversampled", control="real"),
    "augmented": Arm("real", augmented=True, control="real"),
    "generated": Arm("mixed", control="oversampled"),
    "both": Arm("mixed", augmented=True, control="augmented"),
    "fake only": Arm("fake", control="real"),
}
names = ["reales", "repetidas", "aumentadas", "con generadas", "aumentadas y generadas", "solo generadas"]  # es
names = ["real", "repeated", "augmented", "with generated", "augmented and generated", "generated only"]  # en
ARM_NAMES = dict(zip(ARMS, names, strict=True))
num_epochs = budget(cpu=14, cuda=40, grading=1, device=device)


def new_classifier(seed):
    """es: Un clasificador cuyos pesos iniciales dependen solo de la semilla."""
    """en: A classifier whose initial weights depend on the seed alone."""
    torch.manual_seed(seed)
    fresh_backbone = make_backbone("auto", device, report=lambda line: None)
    return Classifier(fresh_backbone, fresh_backbone.features).to(device)


def run(arm, seed, real, fake, validation):
    """es: Entrena un brazo con una semilla; devuelve el clasificador y sus curvas."""
    """en: Train one arm with one seed; return the classifier and its curves."""
    classifier = new_classifier(seed)
    optimizer = torch.optim.Adamax(classifier.parameters(), lr=0.001)
    batches = endless(*training_set(ARMS[arm].images, real, fake))
    history = History("training", "validation", "score")
    losses = []

    def train_epoch():
        losses.clear()
        for _ in range(STEPS_PER_EPOCH):
            images, labels = next(batches)
            images = augment(images) if ARMS[arm].augmented else images
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
classifier, history = run("real", 0, real, fake, validation)
best_epoch = 1 + int(np.argmax(history.score))
least_loss = 1 + int(np.argmin(history.validation))
print(f"mejor época: {best_epoch} de {num_epochs}; la de menor pérdida de validación: {least_loss}")  # es
print(f"best epoch: {best_epoch} of {num_epochs}; the one of least validation loss: {least_loss}")  # en

# %% id="curves-loss" tags=["raises-exception"]
losses = {"entrenamiento": history.training, "validación": history.validation}  # es
losses = {"training": history.training, "validation": history.validation}  # en
mark = (best_epoch, f"mejor época: {best_epoch}")  # es
mark = (best_epoch, f"best epoch: {best_epoch}")  # en
curves(losses, title="Entropía cruzada, sin regularización", xlabel="época", start=1, mark=mark)  # es
curves(losses, title="Cross-entropy, without regularisation", xlabel="epoch", start=1, mark=mark)  # en

# %% id="curves-score" tags=["raises-exception"]
chosen_by = {"validación": history.score}  # es
chosen_by = {"validation": history.score}  # en
axes = {"xlabel": "época", "ylabel": "exactitud balanceada"}  # es
axes = {"xlabel": "epoch", "ylabel": "balanced accuracy"}  # en
curves(chosen_by, title="Validación: con ella se elige la época", start=1, mark=mark, **axes)  # es
curves(chosen_by, title="Validation: it chooses the epoch", start=1, mark=mark, **axes)  # en

# %% [markdown] id="confusion-text-es" tags=["lang-es"]
# Dos cosas llaman la atención en las curvas. La primera época da cerca de 0.5, y no porque no se haya aprendido nada: en modo eval la normalización usa medias y varianzas móviles en lugar de las del lote, y tras 25 pasos
# aún no sirven, quizá porque les queda un 7 % de sus valores iniciales (0 y 1) y porque las características siguen cambiando; casi todas las imágenes reciben la misma respuesta. Y la época elegida no tiene por qué ser la de menor pérdida: con 51 imágenes la exactitud balanceada toma pocos valores, de un empate gana la primera época, y
# que una sea la mejor es en parte azar. Su puntuación promete de más: se eligió por ser la mayor. Por eso no es el resultado.
#
# El informe y las matrices son del **entrenamiento** y de la **validación**; la prueba sigue cerrada. La *precisión* de una clase es la proporción de aciertos entre las imágenes que se le atribuyen; la *exhaustividad* (*sensibilidad*, en
# medicina, cuando la clase es «tumor»), entre las que son suyas.

# %% [markdown] id="confusion-text-en" tags=["lang-en"]
# Two things in the curves catch the eye. The first epoch gives about 0.5, and not because nothing was learnt: in eval mode the normalisation uses running means and variances instead of those of the batch, and after 25 steps
# these do not serve yet, perhaps because 7 % of their initial values (0 and 1) remain and because the features are still changing; nearly all pictures get the same answer. And the epoch chosen need not be the one of least loss: with 51 pictures balanced accuracy takes few values, the first epoch wins a tie, and
# which one is best is in part chance. Its score is optimistic: it was chosen for being the greatest. That is why it is not the result.
#
# Report and matrices are for **training** and **validation**; the test set stays closed. The *precision* of a class is the share of correct answers among the pictures that are attributed to it; its *recall* (*sensitivity*, in medicine, when
# the class is “tumour”), among those that belong to it.

# %% id="report" tags=["raises-exception"]
def decisions(classifier, part):
    """es: Etiquetas verdaderas y decididas de una parte, como arreglos de NumPy."""
    """en: True labels and decisions of a part, as NumPy arrays."""
    return part.labels.numpy(), (probabilities_of(classifier, part) >= 0.5).astype(int)


class_names = ["sin tumor", "tumor"]  # es
class_names = ["no tumour", "tumour"]  # en
decided = {"entrenamiento": decisions(classifier, training), "validación": decisions(classifier, validation)}  # es
decided = {"training": decisions(classifier, training), "validation": decisions(classifier, validation)}  # en
for name, (labels, guesses) in decided.items():
    print(f"{name:<14}exactitud {accuracy_score(labels, guesses):.3f}")  # es
    print(f"{name:<14}accuracy {accuracy_score(labels, guesses):.3f}")  # en
    precision, recall, *_ = precision_recall_fscore_support(labels, guesses, zero_division=0)
    for kind, class_name in enumerate(class_names):
        print(f"  {class_name:<12}precisión {precision[kind]:.3f}   exhaustividad {recall[kind]:.3f}")  # es
        print(f"  {class_name:<12}precision {precision[kind]:.3f}   recall {recall[kind]:.3f}")  # en

# %% id="confusion" tags=["raises-exception"]
confusion_matrices(decided, classes=class_names, xlabel="predicción", ylabel="verdad")  # es
confusion_matrices(decided, classes=class_names, xlabel="predicted", ylabel="true")  # en

# %% id="claim-run" tags=["active-py", "claim"]
# of: one-text
# es: Una «época» son 25 pasos con lotes de 16, en **todos** los brazos: tener más imágenes no da más actualizaciones.
# en: An “epoch” is 25 steps with batches of 16, in **all** arms: having more pictures does not give more updates.
# es: La semilla fija los pesos iniciales (con EfficientNet, los de la cabeza: los demás vienen ya entrenados), así que con la misma semilla todos los brazos empiezan igual.
# en: The seed fixes the initial weights (with EfficientNet, those of the head: the others come trained), so with the same seed all arms start alike.
# of: confusion-text
# es: El informe y las matrices son del **entrenamiento** y de la **validación**; la prueba sigue cerrada.
# en: Report and matrices are for **training** and **validation**; the test set stays closed.
# es: La primera época da cerca de 0.5, y no porque no se haya aprendido nada: en modo eval la normalización usa medias y varianzas móviles en lugar de las del lote, y tras 25 pasos aún no sirven, quizá porque les queda un 7 % de sus valores iniciales (0 y 1) y porque las características siguen cambiando; casi todas las imágenes reciben la misma respuesta.
# en: The first epoch gives about 0.5, and not because nothing was learnt: in eval mode the normalisation uses running means and variances instead of those of the batch, and after 25 steps these do not serve yet, perhaps because 7 % of their initial values (0 and 1) remain and because the features are still changing; nearly all pictures get the same answer.
# es: Y la época elegida no tiene por qué ser la de menor pérdida: con 51 imágenes la exactitud balanceada toma pocos valores, de un empate gana la primera época, y que una sea la mejor es en parte azar.
# en: And the epoch chosen need not be the one of least loss: with 51 pictures balanced accuracy takes few values, the first epoch wins a tie, and which one is best is in part chance.
first, second = new_classifier(3), new_classifier(3)
assert (STEPS_PER_EPOCH, BATCH_SIZE) == (25, 16)
assert all(one.equal(other) for one, other in zip(first.parameters(), second.parameters(), strict=True))
assert next(endless(*real))[0].shape == next(endless(*training_set("mixed", real, fake)))[0].shape
assert len(validation) == 51
assert history.score[0] < 0.7
early, batches = new_classifier(0), endless(*real)
optimizer = torch.optim.Adamax(early.parameters(), lr=0.001)
for _ in range(STEPS_PER_EPOCH):
    images, labels = next(batches)
    train_step(early, optimizer, images.to(device), labels, regularisation)
assert round(100 * (1 - early.norm.momentum) ** STEPS_PER_EPOCH) == 7
by_averages = probabilities_of(early, training) >= 0.5
early.norm.train()
with torch.no_grad():
    by_batch = (early(training.images.to(device)).softmax(dim=1)[:, 1] >= 0.5).cpu().numpy()
assert balanced_accuracy_score(training.labels, by_averages) < 0.7 < balanced_accuracy_score(training.labels, by_batch)
assert len(set(history.score)) <= num_epochs
assert "test" not in decisions.__code__.co_names and "test" not in run.__code__.co_names

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
# - `paired_difference(first, second)`: dos arreglos de NumPy con un resultado por imagen. Devuelve la media de `first - second` y los extremos de su intervalo del 95 % por **bootstrap** (Efron, 1979): se remuestrean las *diferencias*, unas 10 000 veces
#   (`bootstrap((diferencias,), np.mean)` de SciPy lo hace; recibe una tupla de muestras, aquí de una sola).
#   Su método usual, BCa, no da números si todas las diferencias son iguales; `method="percentile"` sí, y con `rng=0` sale siempre lo mismo.
# - `mcnemar_p(first, second)`: dos arreglos de NumPy de verdaderos y falsos (¿acertó?). La prueba exacta de **McNemar** (McNemar, 1947) mira solo las imágenes en que uno acierta y el otro no: si los dos fueran igual de buenos, cada una caería de un lado u otro como una moneda. Devuelve el valor $p$ bilateral: `binomtest(...).pvalue`; 1.0 si no hay ninguna.

# %% [markdown] id="paired-text-en" tags=["lang-en"]
# ### The same pictures (6 marks)
#
# Two arms that answer for the **same** pictures are compared picture by picture: some are hard for all, and that part of chance cancels when subtracting.
#
# - `paired_difference(first, second)`: two NumPy arrays with one result per picture. It returns the mean of `first - second` and the ends of its 95 % interval by **bootstrap** (Efron, 1979): the *differences* are resampled, some 10,000 times
#   (SciPy's `bootstrap((differences,), np.mean)` does it; it takes a tuple of samples, here of one only).
#   Its usual method, BCa, gives no numbers if all differences are equal; `method="percentile"` does, and `rng=0` gives the same every time.
# - `mcnemar_p(first, second)`: two NumPy arrays of true and false (was it right?). **McNemar's** exact test (McNemar, 1947) looks only at the pictures where one is right and the other is not: if both were equally good, each would fall to one side or the other like a coin. It returns the two-sided $p$ value: `binomtest(...).pvalue`; 1.0 if there are none.

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
    small_turns = np.arange(10) % 2 == 0
    cases += [(cases[0][0], cases[0][0]), (small_turns, ~small_turns)]  # no difference, and as many to each side
    checks.scalars("paired.mcnemar", mcnemar_p, cases, points=3)
checks.score

# %% id="claim-bootstrap" tags=["active-py", "claim"]
# of: paired-text
# es: Su método usual, BCa, no da números si todas las diferencias son iguales; `method="percentile"` sí, y con `rng=0` sale siempre lo mismo.
# en: Its usual method, BCa, gives no numbers if all differences are equal; `method="percentile"` does, and `rng=0` gives the same every time.
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    usual = bootstrap((np.ones(9),), np.mean).confidence_interval
plain = bootstrap((np.ones(9),), np.mean, method="percentile").confidence_interval
assert np.isnan(usual.low) and plain.low == plain.high == 1.0
values = np.arange(9.0)
ends = [bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval.low for _ in range(2)]
assert ends[0] == ends[1]

# %% [markdown] id="comparison-text-es" tags=["lang-es"]
# ### El experimento
#
# Seis brazos, cinco semillas, las mismas actualizaciones. De cada entrenamiento se queda la mejor época de validación; la prueba se abre **una vez**, aquí. Se elige con la exactitud balanceada, en la que
# las dos clases pesan igual; se juzga con la exactitud, porque de ella habla la afirmación. Las predicciones se guardan: todo lo que sigue se calcula con ellas.
# Lo que el texto dice de los resultados, de aquí al final, es de la ejecución con que se escribió: fantomas, en una CPU. Con otros datos, otras semillas o una GPU, lee tus propias cifras.

# %% [markdown] id="comparison-text-en" tags=["lang-en"]
# ### The experiment
#
# Six arms, five seeds, equal updates. Each training run keeps its best epoch by validation; the test set is opened **once**, here. What chooses is balanced
# accuracy, in which both classes count alike; what judges is accuracy, because the claim is about it. The predictions are kept: all that follows is computed from them.
# What the text says of the results, from here to the end, is about the run that it was written with: phantoms, on a CPU. With other data, other seeds or a GPU, read your own numbers.

# %% id="experiment" tags=["raises-exception"]
num_seeds = budget(cpu=5, cuda=5, grading=2, device=device)
parts = {"test": test, "generated": set_apart} | ({"fresh": fresh} if fresh is not None else {})
# es: Probabilidades, un arreglo por semilla.
# en: Probabilities, one array per seed.
predicted = {part: {arm: [] for arm in ARMS} for part in parts}
chosen_epochs = {arm: [] for arm in ARMS}
runs = [(arm, seed) for arm in ARMS for seed in range(num_seeds)]
for arm, seed in progress(runs):
    classifier, history = run(arm, seed, real, fake, validation)
    chosen_epochs[arm].append(1 + int(np.argmax(history.score)))
    for name, part in parts.items():
        predicted[name][arm].append(probabilities_of(classifier, part))

# %% [markdown] id="epochs-text-es" tags=["lang-es"]
# ¿En qué época se quedó cada clasificador? Todos hicieron las mismas actualizaciones, pero no conservan las mismas: en la ejecución de este cuaderno, los brazos aumentados se quedan, en promedio, en épocas más tardías; los demás, a menudo en una de las primeras. Elegir la época es parte de lo
# que se compara, así que lo que se diga de un brazo vale **con** esta manera de elegirla.

# %% [markdown] id="epochs-text-en" tags=["lang-en"]
# Which epoch was kept for each classifier? All made the same number of updates, but the kept models differ: in the run of this notebook, augmented arms keep later epochs on average; the others, often one of the first. Choosing the epoch is part of what
# is compared, so what is said of an arm holds **with** this way of choosing it.

# %% id="epochs" tags=["raises-exception"]
headings = [f"semilla {seed}" for seed in range(num_seeds)]  # es
headings = [f"seed {seed}" for seed in range(num_seeds)]  # en
table(headings, list(chosen_epochs.values()), names=list(ARM_NAMES.values()))

# %% id="claim-epochs" tags=["active-py", "claim"]
# of: epochs-text
# es: Todos hicieron las mismas actualizaciones, pero no conservan las mismas: en la ejecución de este cuaderno, los brazos aumentados se quedan, en promedio, en épocas más tardías; los demás, a menudo en una de las primeras.
# en: All made the same number of updates, but the kept models differ: in the run of this notebook, augmented arms keep later epochs on average; the others, often one of the first.
late = [epoch for arm in ARMS if ARMS[arm].augmented for epoch in chosen_epochs[arm]]
early = [epoch for arm in ARMS if not ARMS[arm].augmented for epoch in chosen_epochs[arm]]
assert np.mean(late) > np.mean(early) + 0.5
assert np.mean(np.array(early) <= 5) > 0.3

# %% id="results" tags=["raises-exception"]
PART_NAMES = {"test": "prueba", "fresh": "nuevas"}  # es
PART_NAMES = {"test": "test", "fresh": "fresh"}  # en
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc")
heads = ("exactitud", "balanceada", "F1 macro", "AUC")  # es
heads = ("accuracy", "balanced", "macro F1", "AUC")  # en
titles = {part: f"{name} ({len(parts[part])})" for part, name in PART_NAMES.items() if part in parts}


def measured(part, arm, measure):
    """es: Una medida de un brazo, un número por semilla."""
    """en: One measure of an arm, one number per seed."""
    labels = parts[part].labels.numpy()
    return np.array([scores(labels, probabilities)[measure] for probabilities in predicted[part][arm]])


rows, names = [], []
for part, title in titles.items():
    rows += [[""] * len(MEASURES)]
    rows += [[f"{measured(part, arm, measure).mean():.3f}" for measure in MEASURES] for arm in ARMS]
    names += [title, *ARM_NAMES.values()]
table(heads, rows, names=names)

# %% [markdown] id="results-text-es" tags=["lang-es"]
# Son medias de las semillas. Sigue la exactitud con dos intervalos, porque hay dos azares: el de las **semillas** (¿y si se entrena otra vez?), que da por fijas las imágenes de prueba, y el de las **imágenes** (¿y si la prueba fuera
# otra?), que da por fijos los clasificadores. Cada punto es una semilla.

# %% [markdown] id="results-text-en" tags=["lang-en"]
# These are means over the seeds. Accuracy follows with two intervals, because there are two kinds of chance: that of the **seeds** (what if it is trained again?), which takes the test pictures as fixed, and that of the **pictures** (what if the
# test set were another one?), which takes the classifiers as fixed. Each dot is one seed.

# %% id="accuracy-test" tags=["raises-exception"]
def hits(part, arm):
    """es: ¿Acertó? Una fila por semilla, una columna por imagen."""
    """en: Was it right? One row per seed, one column per picture."""
    labels = parts[part].labels.numpy()
    return (np.array(predicted[part][arm]) >= 0.5) == labels  # (seeds, pictures)


def both_intervals(first, second):
    """es: La diferencia media de aciertos, con el intervalo de las semillas y con el de las imágenes."""
    """en: The mean difference of hits, with the interval of the seeds and with that of the pictures."""
    by_seed = first.mean(axis=1) - second.mean(axis=1)  # (seeds,)
    return mean_interval(by_seed), paired_difference(first.mean(axis=0), second.mean(axis=0))

# %% id="accuracy-large" tags=["raises-exception"]
right = {title: {name: hits(part, arm) for arm, name in ARM_NAMES.items()} for part, title in titles.items()}
single = {title: {name: h.mean(axis=1) for name, h in arms.items()} for title, arms in right.items()}
# es: La exactitud es la diferencia con quien no acierta nunca.
# en: Accuracy is the difference from whoever is never right.
accuracies = {
    title: {name: both_intervals(h, np.zeros_like(h)) for name, h in arms.items()}
    for title, arms in right.items()
}
KINDS = ("intervalo del 95 %: semillas", "intervalo del 95 %: imágenes")  # es
KINDS = ("95 % interval: seeds", "95 % interval: pictures")  # en
title, axis = "Exactitud con imágenes reales", "exactitud"  # es
title, axis = "Accuracy on real pictures", "accuracy"  # en
interval_panels(accuracies, points=single, title=title, xlabel=axis, legend=KINDS)

# %% [markdown] id="errors-text-es" tags=["lang-es"]
# ¿Qué errores son? Proporciones de cada clase en la prueba más grande, promediadas sobre las semillas. Un tumor que no se ve y uno que no existe no cuestan lo mismo, y en la ejecución de este cuaderno casi todos los errores son tumores que no se ven. No
# es una ley: depende del umbral. Con uno menor que 0.5 se pierden menos tumores, a cambio de más falsas alarmas.

# %% [markdown] id="errors-text-en" tags=["lang-en"]
# What kind of errors? Shares of each class in the largest test set, averaged over the seeds. A tumour that is missed and one that is not there do not cost the same, and in the run of this notebook nearly all errors are missed tumours. That
# is no law: it depends on the threshold. A lower one than 0.5 misses fewer tumours, at the price of more false alarms.

# %% id="errors" tags=["raises-exception"]
largest = "fresh" if "fresh" in parts else "test"
truth = np.tile(parts[largest].labels.numpy(), num_seeds)  # (seeds * pictures,)
three = {
    ARM_NAMES[arm]: (truth, (np.concatenate(predicted[largest][arm]) >= 0.5).astype(int))
    for arm in ("real", "augmented", "both")
}
confusion_matrices(three, classes=class_names, xlabel="predicción", ylabel="verdad", shares=True)  # es
confusion_matrices(three, classes=class_names, xlabel="predicted", ylabel="true", shares=True)  # en

# %% id="claim-errors" tags=["active-py", "claim"]
# of: errors-text
# es: Un tumor que no se ve y uno que no existe no cuestan lo mismo, y en la ejecución de este cuaderno casi todos los errores son tumores que no se ven.
# en: A tumour that is missed and one that is not there do not cost the same, and in the run of this notebook nearly all errors are missed tumours.
# es: Con uno menor que 0.5 se pierden menos tumores, a cambio de más falsas alarmas.
# en: A lower one than 0.5 misses fewer tumours, at the price of more false alarms.
for arm in ("real", "augmented", "both"):
    given = np.concatenate(predicted[largest][arm])
    missed, alarms = ((given < 0.5) & (truth == 1)).sum(), ((given >= 0.5) & (truth == 0)).sum()
    assert missed > 3 * alarms
    assert ((given < 0.3) & (truth == 1)).sum() < missed and ((given >= 0.3) & (truth == 0)).sum() > alarms

# %% [markdown] id="differences-text-es" tags=["lang-es"]
# ### Diferencias, por parejas
#
# ¿Cuánto gana cada brazo respecto de **su control**, el que se distingue de él en una sola cosa?
#
# - *Repetidas − reales*: las mismas imágenes y las mismas actualizaciones. Es **casi** una comparación **A/A**: solo cambia el reparto en lotes (cada vuelta deja fuera las 7 imágenes de 151, o las 14 de 302, que no llenan uno, y una repetida puede salir dos veces en el mismo). No se espera diferencia, y la que salga se atribuye al azar.
# - *Aumentadas − reales*: lo que da el aumento clásico.
# - *Con generadas − repetidas*: tantas imágenes, pero nuevas.
# - *Aumentadas y generadas − aumentadas*: lo que añaden las generadas a quien ya aumenta.
# - *Solo generadas − reales*: lo que se pierde al cambiar unas por otras.
#
# Aquí diremos que una diferencia está **respaldada por los datos** (fondo verde) si **ninguno** de los dos intervalos contiene el 0. Es una regla de trabajo, con tres reservas:
# los dos azares juntos pesan más que cada uno; son cinco comparaciones, y de cada veinte intervalos del 95 % falla en promedio uno; y ningún intervalo mide
# qué pasaría con otras imágenes de entrenamiento y otros generadores.

# %% [markdown] id="differences-text-en" tags=["lang-en"]
# ### Differences, in pairs
#
# How much does each arm gain over **its control**, the one that differs from it in a single thing?
#
# - *Repeated − real*: the same pictures and the same updates. It is **almost** an **A/A** comparison: only the batches are drawn differently (each pass leaves out the 7 pictures of 151, or the 14 of 302, that do not fill one, and a repeated picture may come twice in the same). No difference is expected, and what comes out is put down to chance.
# - *Augmented − real*: what classical augmentation gives.
# - *With generated − repeated*: as many pictures, but new ones.
# - *Augmented and generated − augmented*: what generated pictures add on top of augmentation.
# - *Generated only − real*: what is lost when generated pictures replace real ones.
#
# Here we shall call a difference **supported by the data** (green background) if **neither** interval contains 0. That is a working rule, with three reservations: both kinds of chance together weigh more than each; these are five comparisons, and of twenty
# 95 % intervals one fails on average; and no interval measures what would happen with other training pictures and other generators.

# %% id="differences-seeds" tags=["raises-exception"]
CONTROLS = {arm: choice.control for arm, choice in ARMS.items() if choice.control is not None}
versus = {arm: f"{ARM_NAMES[arm]} − {ARM_NAMES[control]}" for arm, control in CONTROLS.items()}


def differences(part):
    """es: Cada brazo menos su control: intervalo de las semillas y de las imágenes."""
    """en: Each arm minus its control: interval of the seeds and of the pictures."""
    pairs = CONTROLS.items()
    return {versus[arm]: both_intervals(hits(part, arm), hits(part, control)) for arm, control in pairs}


def supported(both):
    """es: ¿Dejan fuera el 0 los dos intervalos?"""
    """en: Do both intervals leave 0 out?"""
    return all(low > 0 or high < 0 for _, low, high in both)

# %% id="differences-pictures" tags=["raises-exception"]
compared = {title: differences(part) for part, title in titles.items()}
marked = {title: [name for name in rows if supported(rows[name])] for title, rows in compared.items()}
by_seed = {
    title: {versus[arm]: single[title][ARM_NAMES[arm]] - single[title][ARM_NAMES[CONTROLS[arm]]] for arm in CONTROLS}
    for title in compared
}
title, axis = "Diferencia con el control", "diferencia de exactitud"  # es
title, axis = "Difference from the control", "difference of accuracy"  # en
interval_panels(compared, points=by_seed, title=title, xlabel=axis, legend=KINDS, line=0.0, marked=marked)

# %% id="differences-table" tags=["raises-exception"]
def written(difference):
    """es: Una diferencia con su intervalo, como texto."""
    """en: A difference with its interval, as text."""
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*difference).replace("-", "−")


verdicts = {True: "sí", False: "no"}  # es
verdicts = {True: "yes", False: "no"}  # en
rows, names = [], []
for title, pairs in compared.items():
    rows.append([""] * 3)
    names.append(title)
    for name, both in pairs.items():
        rows.append([*map(written, both), verdicts[supported(both)]])
        names.append(name)
table(["semillas", "imágenes", "¿respaldada?"], rows, names=names)  # es
table(["seeds", "pictures", "supported?"], rows, names=names)  # en

# %% [markdown] id="mcnemar-text-es" tags=["lang-es"]
# ¿Y McNemar? Compara dos clasificadores **ya entrenados**. La tabla da sus valores $p$ en la prueba más grande, semilla por semilla. Fíjate en las repetidas y las reales: son las mismas imágenes y las mismas actualizaciones, así que
# no se espera diferencia, y aun así, en la ejecución de este cuaderno, alguna semilla da un valor pequeño. Dice que esos dos clasificadores difieren, no que difieran dos
# maneras de entrenar: el azar de los lotes basta para eso. Por eso una sola semilla no permite comparar maneras de entrenar, por muchas imágenes que tenga la prueba.

# %% [markdown] id="mcnemar-text-en" tags=["lang-en"]
# And McNemar? It compares two classifiers that **have been trained**. The table gives its $p$ values on the largest test set, seed by seed. Look at the repeated and the real arm: they have the same pictures and the same updates, so
# no difference is expected, and even so, in the run of this notebook, some seed gives a small value. It says that these two classifiers differ, not that two ways of
# training do: the chance of the batches is enough for that. That is why one seed cannot compare ways of training, however many pictures the test set has.

# %% id="mcnemar" tags=["raises-exception"]
rows = []
for arm, control in CONTROLS.items():
    pairs = zip(hits(largest, arm), hits(largest, control), strict=True)
    rows.append([f"{mcnemar_p(first, second):.2g}" for first, second in pairs])
table(headings, rows, names=list(versus.values()))

# %% id="claim-mcnemar" tags=["active-py", "claim"]
# of: comparison-text
# es: Seis brazos, cinco semillas, las mismas actualizaciones.
# en: Six arms, five seeds, equal updates.
# es: De cada entrenamiento se queda la mejor época de validación; la prueba se abre **una vez**, aquí.
# en: Each training run keeps its best epoch by validation; the test set is opened **once**, here.
# of: differences-text
# es: Es **casi** una comparación **A/A**: solo cambia el reparto en lotes (cada vuelta deja fuera las 7 imágenes de 151, o las 14 de 302, que no llenan uno, y una repetida puede salir dos veces en el mismo).
# en: It is **almost** an **A/A** comparison: only the batches are drawn differently (each pass leaves out the 7 pictures of 151, or the 14 of 302, that do not fill one, and a repeated picture may come twice in the same).
# of: mcnemar-text
# es: Fíjate en las repetidas y las reales: son las mismas imágenes y las mismas actualizaciones, así que no se espera diferencia, y aun así, en la ejecución de este cuaderno, alguna semilla da un valor pequeño.
# en: Look at the repeated and the real arm: they have the same pictures and the same updates, so no difference is expected, and even so, in the run of this notebook, some seed gives a small value.
# es: Dice que esos dos clasificadores difieren, no que difieran dos maneras de entrenar: el azar de los lotes basta para eso.
# en: It says that these two classifiers differ, not that two ways of training do: the chance of the batches is enough for that.
# es: Por eso una sola semilla no permite comparar maneras de entrenar, por muchas imágenes que tenga la prueba.
# en: That is why one seed cannot compare ways of training, however many pictures the test set has.
assert len(ARMS) == 6 and num_seeds == 5
pair_sizes = [len(training_set(arm, real, fake)[0]) for arm in ("real", "oversampled")]
assert pair_sizes == [151, 302] and [size % BATCH_SIZE for size in pair_sizes] == [7, 14]
assert all(len(per_seed) == 5 for arms in predicted.values() for per_seed in arms.values())
same = [mcnemar_p(hits(largest, "real")[one], hits(largest, "real")[other]) for one in range(5) for other in range(one)]
assert min(same) < 0.05, "two classifiers of one way of training"
repeated = zip(hits(largest, "oversampled"), hits(largest, "real"), strict=True)
assert min(mcnemar_p(first, second) for first, second in repeated) < 0.05
assert not supported(compared[titles["fresh"]][versus["oversampled"]])

# %% [markdown] id="original-text-es" tags=["lang-es"]
# ## 9. La afirmación, otra vez
#
# Los **mismos** clasificadores, con una prueba como la segunda del original, la misma para todos: con imágenes generadas dentro. Son las que se apartaron en la sección 3, tantas como
# reales; nadie entrenó con ellas. No se entrena nada de nuevo.
#
# El original comparaba otra cosa: un modelo con una prueba de reales y el otro con una que las mezcla. La línea encima de la tabla hace esa comparación.

# %% [markdown] id="original-text-en" tags=["lang-en"]
# ## 9. The claim once more
#
# The **same** classifiers, with a test set like the second of the original, the same for all: with generated pictures in it. They are those set apart in section 3, as many as real ones; nobody
# trained with them. Nothing is trained anew.
#
# The original compared something else: one model on a test set of real pictures and the other on one that mixes them. The line above the table makes that comparison.

# %% id="original" tags=["raises-exception"]
heads = [f"{len(test)} reales", f"{len(set_apart)} generadas", "juntas"]  # es
heads = [f"{len(test)} real", f"{len(set_apart)} generated", "together"]  # en


def as_in_the_original(arm):
    """es: ¿Acertó? En la prueba, en las generadas y en todas juntas: (semillas, imágenes) de cada una."""
    """en: Was it right? On the test, on the generated pictures and on all together: (seeds, pictures) of each."""
    honest, own = hits("test", arm), hits("generated", arm)
    return dict(zip(heads, (honest, own, np.concatenate([honest, own], axis=1)), strict=True))


before = as_in_the_original("real")[heads[0]].mean()
after = as_in_the_original("generated")[heads[2]].mean()
print(f"como en el original: «reales», en {heads[0]}: {before:.3f}; «con generadas», en todas juntas: {after:.3f}")  # es
print(f"as in the original: “real”, on {heads[0]}: {before:.3f}; “with generated”, on all together: {after:.3f}")  # en
rows = [[f"{results.mean():.3f}" for results in as_in_the_original(arm).values()] for arm in ARMS]
table(heads, rows, names=list(ARM_NAMES.values()))

# %% id="original-differences" tags=["raises-exception"]
once_more = {head: {} for head in heads}
for arm in ("generated", "both", "fake only"):
    first, second = as_in_the_original(arm), as_in_the_original(CONTROLS[arm])
    for head in heads:
        once_more[head][versus[arm]] = both_intervals(first[head], second[head])
marked = {head: [name for name in rows if supported(rows[name])] for head, rows in once_more.items()}
title = "Los mismos clasificadores, con generadas en la prueba"  # es
title = "The same classifiers, with generated pictures in the test set"  # en
interval_panels(once_more, title=title, xlabel=axis, legend=KINDS, line=0.0, marked=marked)

# %% [markdown] id="original-after-text-es" tags=["lang-es"]
# Compara los tres paneles. Con las generadas, los brazos que entrenaron con otras de los mismos generadores aciertan en promedio más que sus controles; con las reales no se ha visto que ganen. En la prueba conjunta, la ventaja con las generadas pasa por mejora general: esa prueba favorece a quien ya
# conoce a los generadores. Con algunas semillas la única banda verde del gráfico está ahí: la regla de la sección 8 diría «respaldada» solo donde se mezclan, y esa es la trampa. El brazo de solo generadas lo enseña mejor que ninguno: acierta más con generadas que con reales; el de reales, al revés. Además, cada clase tiene **su** generador: para
# acertar con una imagen generada puede bastar con reconocer la mano que la dibujó, sin buscar ninguna lesión.
#
# ### El mismo experimento con resonancias reales
#
# Los fantomas son dibujos; ¿y con pacientes? Este cuaderno se ejecutó también con las resonancias del original, a 32 × 32 píxeles, con la red pequeña y las mismas 14 épocas: de las 253, 212 son distintas; 126 para entrenar, 43 de validación y
# **43 de prueba**, con 126 generadas por dos WGAN-GP, una por clase, que solo vieron las de entrenamiento. Medias de cinco semillas, con intervalos del 95 %:
#
# | entrenado con | exactitud | − su control | semillas | imágenes |
# |---|---|---|---|---|
# | reales | 0.809 [0.754, 0.865] | | | |
# | repetidas | 0.819 [0.756, 0.881] | reales: +0.009 | [−0.079, +0.097] | [−0.033, +0.051] |
# | aumentadas | 0.865 [0.827, 0.903] | reales: +0.056 | [−0.025, +0.136] | [−0.005, +0.116] |
# | con generadas | 0.758 [0.698, 0.818] | repetidas: −0.060 | – | – |
# | aumentadas y generadas | 0.781 [0.703, 0.859] | aumentadas: −0.084 | – | – |
# | solo generadas | 0.702 [0.671, 0.734] | reales: −0.107 | [−0.167, −0.047] | [−0.195, −0.019] |
#
# (De «con generadas» y «aumentadas y generadas» no se guardaron los intervalos respecto de su control.) De las tres diferencias con intervalo, la única respaldada es la última: entrenar **solo** con generadas es peor; las dos sin él, ambas en contra de las generadas, quedan sin juzgar. Con 43 imágenes un error son 2.3 puntos, y otra
# ejecución, que solo redondeaba de otro modo, dio +0.074 para el aumento clásico, con los dos intervalos por encima de 0: con una prueba así, que algo quede respaldado puede depender del redondeo. Y ahora esos mismos clasificadores, con otras 43 generadas en la prueba, la misma para todos:
#
# | entrenado con | 43 reales | 43 generadas | juntas |
# |---|---|---|---|
# | reales | 0.809 | 0.744 | 0.777 |
# | con generadas | 0.758 | 0.921 | 0.840 |
# | aumentadas y generadas | 0.781 | 0.856 | 0.819 |
#
# De la primera fila a la segunda (cuyo control no es «reales», sino «repetidas», que aquí falta), la columna conjunta sube 6 puntos y la de reales baja 5. Ninguno de los dos números vale como conclusión: no llevan intervalo. Lo que enseñan es que, con los mismos clasificadores, la manera
# de componer la prueba puede cambiar hasta el signo de la diferencia.
#
# ¿Y la comparación del original, de un modelo con reales y del otro con la mezcla? Con las resonancias sube, de 0.809 a 0.840. Con los fantomas, la primera línea que imprime la celda dice cuánto cambia; con algunas semillas, baja. El signo depende de cuán fáciles sean las generadas, comparadas con las reales.
#
# ### ¿Ayudan, pues, las imágenes generadas?
#
# **Aquí no se ha visto que ayuden de manera apreciable.** En la ejecución de este cuaderno, reflejar y desplazar las reales sí mejora el clasificador de fantomas, con esta manera de elegir la época: su control conservó épocas más tempranas. Añadir generadas a los fantomas, con aumento o sin él, cambia la exactitud en dos centésimas a lo sumo, tan poco que el redondeo puede decidir si queda respaldado; con las resonancias, las dos diferencias fueron en contra, de 6 y de 8 puntos, sin intervalo. No es tan
# raro: los generadores aprendieron de las mismas imágenes que el clasificador, así que no traen pacientes nuevos. Tampoco es una ley: con otros datos y otros generadores se han descrito mejoras (Frid-Adar et al., 2018, con 182 lesiones de
# hígado). Quien lo afirme de los suyos tiene ya con qué comprobarlo.

# %% [markdown] id="original-after-text-en" tags=["lang-en"]
# Compare the three panels. On the generated pictures, the arms that trained with others of the same generators are on average right more often than their controls; on the real ones they have not been seen to gain. In the joint test set, the advantage on generated pictures passes for a general improvement: it favours whoever
# knows the generators already. With some seeds the only green band of the plot is there: the rule of section 8 would say “supported” only where they are mixed, and that is the trap. The arm of generated pictures only shows it best: it is right more often on generated pictures than on real ones; the real arm, the other way round. Besides, each class has a generator of **its
# own**: to be right about a generated picture it may be enough to recognise the hand that drew it, without looking for any lesion.
#
# ### The same experiment with real MRI slices
#
# Phantoms are drawings; what about patients? This notebook was also run with the original's MRI slices, at 32 × 32 pixels, with the small network and the same 14 epochs: of the 253, 212 are different; 126 for training, 43 for validation and
# **43 for the test set**, with 126 generated by two WGAN-GPs, one per class, that saw nothing but the training part. Means over five seeds, with 95 % intervals:
#
# | trained with | accuracy | − its control | seeds | pictures |
# |---|---|---|---|---|
# | real | 0.809 [0.754, 0.865] | | | |
# | repeated | 0.819 [0.756, 0.881] | real: +0.009 | [−0.079, +0.097] | [−0.033, +0.051] |
# | augmented | 0.865 [0.827, 0.903] | real: +0.056 | [−0.025, +0.136] | [−0.005, +0.116] |
# | with generated | 0.758 [0.698, 0.818] | repeated: −0.060 | – | – |
# | augmented and generated | 0.781 [0.703, 0.859] | augmented: −0.084 | – | – |
# | generated only | 0.702 [0.671, 0.734] | real: −0.107 | [−0.167, −0.047] | [−0.195, −0.019] |
#
# (For “with generated” and “augmented and generated” the intervals against their controls were not kept.) Of the three differences with an interval, only the last is supported: training with generated pictures **only** is worse; the two without one, both against generated pictures, remain unjudged. With 43 pictures one error is 2.3 points, and another
# run, which did no more than round differently, gave +0.074 for classical augmentation, with both intervals above 0: with such a test set, whether something is supported can depend on rounding. And now these same classifiers, with 43 more generated pictures in the test set, the same for all:
#
# | trained with | 43 real | 43 generated | together |
# |---|---|---|---|
# | real | 0.809 | 0.744 | 0.777 |
# | with generated | 0.758 | 0.921 | 0.840 |
# | augmented and generated | 0.781 | 0.856 | 0.819 |
#
# From the first row to the second (whose control is not “real” but “repeated”, which is missing here), the joint column rises by 6 points and the real one falls by 5. Neither supports a conclusion: they have no interval. What they show is that, with the same classifiers, the way
# a test set is put together can change even the sign of the difference.
#
# And the comparison of the original, of one model on real pictures and the other on the mixture? With the MRI slices it rises, from 0.809 to 0.840. With the phantoms, the first line that the cell prints tells by how much it changes; with some seeds it falls. The sign depends on how easy the generated pictures are, compared with the real ones.
#
# ### Do generated pictures help, then?
#
# **Here they have not been seen to help noticeably.** In the run of this notebook, mirroring and shifting the real ones does improve the classifier of phantoms, with this way of choosing the epoch: its control kept earlier epochs. Adding generated ones to the phantoms, with augmentation or without, changes the accuracy by two hundredths at most, so little that rounding may decide whether that is supported; with the MRI slices, both differences were against them, by 6 and by 8 points, without intervals. That is not so
# strange: the generators learnt from the same pictures as the classifier, so they bring no new patients. Nor is it a law: with other data and other generators gains have been reported (Frid-Adar et al., 2018, with 182 lesions of the
# liver). Whoever claims it of theirs now has the means to test it.

# %% id="claim-original" tags=["active-py", "claim"]
# of: original-after-text
# es: Con las generadas, los brazos que entrenaron con otras de los mismos generadores aciertan en promedio más que sus controles; con las reales no se ha visto que ganen.
# en: On the generated pictures, the arms that trained with others of the same generators are on average right more often than their controls; on the real ones they have not been seen to gain.
# es: En la prueba conjunta, la ventaja con las generadas pasa por mejora general: esa prueba favorece a quien ya conoce a los generadores.
# en: In the joint test set, the advantage on generated pictures passes for a general improvement: it favours whoever knows the generators already.
# es: El brazo de solo generadas lo enseña mejor que ninguno: acierta más con generadas que con reales; el de reales, al revés.
# en: The arm of generated pictures only shows it best: it is right more often on generated pictures than on real ones; the real arm, the other way round.
# es: En la ejecución de este cuaderno, reflejar y desplazar las reales sí mejora el clasificador de fantomas, con esta manera de elegir la época: su control conservó épocas más tempranas.
# en: In the run of this notebook, mirroring and shifting the real ones does improve the classifier of phantoms, with this way of choosing the epoch: its control kept earlier epochs.
# es: Añadir generadas a los fantomas, con aumento o sin él, cambia la exactitud en dos centésimas a lo sumo, tan poco que el redondeo puede decidir si queda respaldado; con las resonancias, las dos diferencias fueron en contra, de 6 y de 8 puntos, sin intervalo.
# en: Adding generated ones to the phantoms, with augmentation or without, changes the accuracy by two hundredths at most, so little that rounding may decide whether that is supported; with the MRI slices, both differences were against them, by 6 and by 8 points, without intervals.
on_real, on_generated, together = (list(rows.values()) for rows in once_more.values())
assert np.mean([both[0][0] for both in on_generated]) > 0.02
assert not any(supported(both) and both[0][0] > 0 for both in on_real)
assert np.mean([both[0][0] for both in together]) > np.mean([both[0][0] for both in on_real]) + 0.01
alone, of_real = ([results.mean() for results in as_in_the_original(arm).values()] for arm in ("fake only", "real"))
assert alone[1] > alone[0] and of_real[1] < of_real[0]
many = compared[titles["fresh"]]
assert supported(many[versus["augmented"]]) and many[versus["augmented"]][0][0] > 0.02
assert np.mean(chosen_epochs["real"]) < np.mean(chosen_epochs["augmented"])
assert all(abs(many[versus[arm]][0][0]) < 0.025 for arm in ("generated", "both"))

# %% id="claim-trap" tags=["active-py", "claim", "seed-dependent"]
# of: original-after-text
# es: Con algunas semillas la única banda verde del gráfico está ahí: …
# en: With some seeds the only green band of the plot is there: …
assert [len(marked[head]) for head in heads] == [0, 0, 1]

# %% id="claim-contrast" tags=["active-py", "claim", "seed-dependent"]
# of: original-after-text
# es: Con los fantomas, la primera línea que imprime la celda dice cuánto cambia; con algunas semillas, baja.
# en: With the phantoms, the first line that the cell prints tells by how much it changes; with some seeds it falls.
assert after < before

# %% [markdown] id="question-claim-text-es" tags=["lang-es"]
# ## 10. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (8 puntos).** Elige tres fallos del original. ¿En qué dirección empuja cada uno el resultado, y qué hace este cuaderno para evitarlo?

# %% [markdown] id="question-claim-text-en" tags=["lang-en"]
# ## 10. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (8 marks).** Choose three flaws of the original. In which direction does each push the result, and what does this notebook do to avoid it?

# %% [markdown] id="question_claim" nbgrader={"grade": true, "grade_id": "question_claim", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Las generadas en la prueba empujan hacia arriba: los brazos que entrenaron con otras de los mismos generadores aciertan con ellas, en promedio, más que sus controles, aunque con las reales no se haya visto que mejoren; aquí la prueba es real y la misma para todos. Las actualizaciones desiguales (780 contra 1 410) pueden favorecer al segundo modelo; aquí todos los brazos hacen las mismas. Una sola semilla no empuja a ningún lado, pero deja pasar por mejora lo que es azar; aquí son cinco, con intervalos. Y elegir con la prueba infla a ambos; aquí se elige con la validación y la prueba se abre una vez.
# en: Generated pictures in the test set push upwards: the arms that trained with others of the same generators are right about them more often, on average, than their controls, even though no gain has been seen on real ones; here the test set is real and the same for all. Unequal updates (780 against 1,410) may favour the second model; here all arms make the same number. A single seed pushes to neither side, but lets chance pass for an improvement; here there are five, with intervals. And choosing with the test set inflates both; here the validation part chooses and the test set is opened once.
# ### END SOLUTION

# %% [markdown] id="question-results-text-es" tags=["lang-es"]
# **Pregunta 2 (8 puntos).** ¿Qué diferencias entre brazos muestran tus gráficos que sean más que azar, y cuáles no? Compara lo que habrías concluido con la prueba de 51 imágenes y con las nuevas.

# %% [markdown] id="question-results-text-en" tags=["lang-en"]
# **Question 2 (8 marks).** Which differences between arms do your plots show to be more than chance, and which not? Compare what you would have concluded from the
# test of 51 pictures and from the fresh ones.

# %% [markdown] id="question_results" nbgrader={"grade": true, "grade_id": "question_results", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Con las 1 012 nuevas, el aumento clásico gana casi 0.04 sobre las reales en la ejecución de este cuaderno, y ni el intervalo de las semillas ni el de las imágenes contiene el 0: está respaldado. Añadir generadas cambia una o dos centésimas como mucho, sobre las repetidas y sobre las aumentadas, tan poco que el redondeo puede decidir lo que dice la regla: si ayudan o estorban, no es de manera apreciable. Entrenar solo con generadas pierde varias centésimas; imagen por imagen la pérdida es clara, pero cambia tanto de una semilla a otra que cinco no siempre bastan para respaldarla. Con la prueba de 51 imágenes un error son 0.02 y el intervalo de las imágenes es varias veces más ancho: ni el aumento, que sí ayuda, tiene asegurado que se vea.
# en: On the 1,012 fresh pictures, classical augmentation gains nearly 0.04 over the real arm in the run of this notebook, and neither the interval of the seeds nor that of the pictures contains 0: it is supported. Adding generated pictures changes one or two hundredths at most, over the repeated arm and over the augmented one, so little that rounding may decide what the rule says: if they help or harm, it is not by a noticeable amount. Training with generated pictures only loses several hundredths; picture by picture the loss is clear, but it changes so much from seed to seed that five do not always suffice to support it. On the test set of 51 pictures one error is 0.02 and the interval of the pictures is several times as wide: not even augmentation, which does help, is sure to show.
# ### END SOLUTION

# %% [markdown] id="question-arms-text-es" tags=["lang-es"]
# **Pregunta 3 (7 puntos).** ¿Para qué sirve el brazo de reales repetidas, y para qué el de solo generadas? ¿Qué dice este último sobre las imágenes generadas, comparado con lo que se veía en las imágenes de la sección 3?

# %% [markdown] id="question-arms-text-en" tags=["lang-en"]
# **Question 3 (7 marks).** What is the arm of repeated real pictures for, and what the one of generated pictures only? What does the latter say about the generated
# pictures, compared with what the pictures of section 3 showed?

# %% [markdown] id="question_arms" nbgrader={"grade": true, "grade_id": "question_arms", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: El de repetidas tiene tantas imágenes como la mezcla y ninguna nueva: frente a él, lo que cambie al añadir generadas se debe a lo que traen, no a cuántas son. Frente a las reales es casi una comparación A/A, y no se distingue de ellas, como era de esperar; que alguna semilla dé un valor p de McNemar pequeño muestra cuánto cambia un clasificador por puro azar. El de solo generadas mide si lo generado contiene lo que hace falta para reconocer un tumor: acierta con unas 87 de cada 100 nuevas, frente a unas 92 el de reales, con mucha diferencia de una semilla a otra. Algo enseñan, pues, aunque en la figura varias imágenes «con tumor» no tienen una lesión clara, y esas pueden enseñar una etiqueta falsa.
# en: The repeated arm has as many pictures as the mixture and none that is new: against it, what changes when generated pictures are added is due to what they bring, not to how many they are. Against the real arm it is almost an A/A comparison, and it cannot be told from it, as was to be expected; that some seed gives a small McNemar p value shows how much a classifier changes by mere chance. The arm of generated pictures only measures whether they contain what it takes to recognise a tumour: it is right about some 87 of 100 fresh ones, against some 92 for the real arm, and differs a lot from seed to seed. So they do teach something, although in the figure several pictures “with a tumour” have no clear lesion, and those may teach a false label.
# ### END SOLUTION


# %% id="claim-answers" tags=["active-py", "claim"]
# of: question_claim
# es: Las generadas en la prueba empujan hacia arriba: los brazos que entrenaron con otras de los mismos generadores aciertan con ellas, en promedio, más que sus controles, aunque con las reales no se haya visto que mejoren; …
# en: Generated pictures in the test set push upwards: the arms that trained with others of the same generators are right about them more often, on average, than their controls, even though no gain has been seen on real ones; …
# of: question_results
# es: Con las 1 012 nuevas, el aumento clásico gana casi 0.04 sobre las reales en la ejecución de este cuaderno, y ni el intervalo de las semillas ni el de las imágenes contiene el 0: está respaldado.
# en: On the 1,012 fresh pictures, classical augmentation gains nearly 0.04 over the real arm in the run of this notebook, and neither the interval of the seeds nor that of the pictures contains 0: it is supported.
# es: Añadir generadas cambia una o dos centésimas como mucho, sobre las repetidas y sobre las aumentadas, tan poco que el redondeo puede decidir lo que dice la regla: si ayudan o estorban, no es de manera apreciable.
# en: Adding generated pictures changes one or two hundredths at most, over the repeated arm and over the augmented one, so little that rounding may decide what the rule says: if they help or harm, it is not by a noticeable amount.
# es: Entrenar solo con generadas pierde varias centésimas; imagen por imagen la pérdida es clara, …
# en: Training with generated pictures only loses several hundredths; picture by picture the loss is clear, …
# es: Con la prueba de 51 imágenes un error son 0.02 y el intervalo de las imágenes es varias veces más ancho: …
# en: On the test set of 51 pictures one error is 0.02 and the interval of the pictures is several times as wide: …
# of: question_arms
# es: Frente a las reales es casi una comparación A/A, y no se distingue de ellas, como era de esperar; …
# en: Against the real arm it is almost an A/A comparison, and it cannot be told from it, as was to be expected; …
# es: El de solo generadas mide si lo generado contiene lo que hace falta para reconocer un tumor: …
# en: The arm of generated pictures only measures whether they contain what it takes to recognise a tumour: …
few, many = compared[titles["test"]], compared[titles["fresh"]]
assert len(fresh) == 1012 and round(1 / len(test), 2) == 0.02
assert np.mean([both[0][0] for both in once_more[heads[1]].values()]) > 0.02
assert 0.025 < many[versus["augmented"]][0][0] < 0.065 and supported(many[versus["augmented"]])
assert max(abs(many[versus[name]][0][0]) for name in ("generated", "both")) < 0.025
assert many[versus["fake only"]][0][0] < -0.015 and many[versus["fake only"]][1][2] < -0.01
assert not supported(many[versus["oversampled"]])
widths = [[both[1][2] - both[1][1] for both in rows.values()] for rows in (few, many)]
assert min(np.divide(*widths)) > 2.5
alone, of_real = (single[titles["fresh"]][ARM_NAMES[arm]] for arm in ("fake only", "real"))
assert abs(alone.mean() - 0.87) < 0.05 and abs(of_real.mean() - 0.92) < 0.04 and np.ptp(alone) > 0.03

# %% [markdown] id="question-ethics-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos).** Un hospital quiere publicar imágenes generadas en lugar de las de sus pacientes, y una empresa quiere entrenar con ellas un clasificador para venderlo. ¿Qué preguntarías antes a cada uno? Piensa en la privacidad, en quiénes faltan entre los datos, en las lesiones que el generador no dibuja y en quién responde por un error. ¿Es neutral esta tecnología?

# %% [markdown] id="question-ethics-text-en" tags=["lang-en"]
# **Question 4 (7 marks).** A hospital wants to publish generated pictures in place of those of its patients, and a company wants to train a classifier with them and sell it. What would you ask each of them first? Think of privacy, of who is missing from the data, of the lesions that the generator does not draw and of who answers for a mistake. Is this technology neutral?

# %% [markdown] id="question_ethics" nbgrader={"grade": true, "grade_id": "question_ethics", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Al hospital: cómo midió que el generador no copia a ningún paciente (lo más parecido en el entrenamiento, comparado con imágenes apartadas), y si los pacientes consintieron; generada no quiere decir anónima. A la empresa: con qué pacientes reales se probó, de qué edades, aparatos y tipos de tumor, porque un generador repite lo que ya había y tiende a olvidar lo raro, que es lo que más importa no pasar por alto. A ambos: quién revisó que las imágenes con la etiqueta «tumor» tengan uno, si se dirá que los datos son generados y quién responde cuando el clasificador falle. Neutral no es: alguien eligió qué datos recoger, qué error cuesta más y a quién se le vende.
# en: The hospital: how did it measure that the generator copies no patient (what is most like it in the training set, compared with pictures that were held out), and did the patients consent; generated does not mean anonymous. The company: with which real patients was it tested, of what ages, machines and kinds of tumour, because a generator repeats what was there already and tends to forget what is rare, which matters most not to miss. Both: who checked that the pictures labelled “tumour” have one, will it be said that the data are generated, and who answers when the classifier fails. Neutral it is not: somebody chose what data to collect, which error costs more and to whom it is sold.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - Dividir **antes** que nada; estratificado; lo generado, solo en el entrenamiento; la prueba, una vez.
# - Las mismas actualizaciones hechas (las conservadas las decide la validación), el mismo modelo, las mismas imágenes de prueba, varias semillas; cada brazo, con su control.
# - La mejor época se elige con la validación, y `state_dict` se copia.
# - `eval()` y sin gradientes para predecir; un solo softmax; el AUC, con probabilidades.
# - Media con intervalo; diferencias por parejas; dos azares; una prueba de 51 imágenes distingue poco.
# - «Ninguna diferencia está respaldada por los datos» es un resultado.
#
# **Para seguir explorando (sin puntos).** Usa las imágenes de tu propio laboratorio 4, de las dos clases. ¿Y con 60 imágenes reales en vez de 151? ¿Y si las generadas valen menos en la pérdida?

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - Split **before** anything else; stratified; generated pictures in training only; the test set, once.
# - Equal updates made (validation decides which are kept), same model, same test pictures, several seeds; each arm against its control.
# - The best epoch is chosen with the validation part, and `state_dict` is copied.
# - `eval()` and no gradients to predict; one softmax only; AUC from probabilities.
# - Mean with interval; differences in pairs; two kinds of chance; a test set of 51 pictures tells little apart.
# - “No difference is supported by the data” is a result.
#
# **To explore further (no marks).** Use the pictures of your own lab 4, of both classes. What about 60 real pictures instead of 151? And if generated ones count less in the loss?

# %% [markdown] id="references-es" tags=["lang-es"]
# ## Referencias
#
# - Wilson, E. B. (1927). *Probable Inference, the Law of Succession, and Statistical Inference*. Journal of the American Statistical Association 22, 209–212.
# - Fisher, R. A. (1935). *The Logic of Inductive Inference*. Journal of the Royal Statistical Society 98, 39–82.
# - McNemar, Q. (1947). *Note on the Sampling Error of the Difference between Correlated Proportions or Percentages*. Psychometrika 12, 153–157.
# - Efron, B. (1979). *Bootstrap Methods: Another Look at the Jackknife*. The Annals of Statistics 7, 1–26.
# - Tibshirani, R. (1996). *Regression Shrinkage and Selection via the Lasso*. Journal of the Royal Statistical Society B 58, 267–288.
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Gulrajani, I. et al. (2017). *Improved Training of Wasserstein GANs*. [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - Frid-Adar, M. et al. (2018). *GAN-based Synthetic Medical Image Augmentation for Increased CNN Performance in Liver Lesion Classification*. [arXiv:1803.01229](https://arxiv.org/abs/1803.01229).
# - Tan, M., Le, Q. V. (2019). *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*. [arXiv:1905.11946](https://arxiv.org/abs/1905.11946).

# %% [markdown] id="references-en" tags=["lang-en"]
# ## References
#
# - Wilson, E. B. (1927). *Probable Inference, the Law of Succession, and Statistical Inference*. Journal of the American Statistical Association 22, 209–212.
# - Fisher, R. A. (1935). *The Logic of Inductive Inference*. Journal of the Royal Statistical Society 98, 39–82.
# - McNemar, Q. (1947). *Note on the Sampling Error of the Difference between Correlated Proportions or Percentages*. Psychometrika 12, 153–157.
# - Efron, B. (1979). *Bootstrap Methods: Another Look at the Jackknife*. The Annals of Statistics 7, 1–26.
# - Tibshirani, R. (1996). *Regression Shrinkage and Selection via the Lasso*. Journal of the Royal Statistical Society B 58, 267–288.
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Gulrajani, I. et al. (2017). *Improved Training of Wasserstein GANs*. [arXiv:1704.00028](https://arxiv.org/abs/1704.00028).
# - Frid-Adar, M. et al. (2018). *GAN-based Synthetic Medical Image Augmentation for Increased CNN Performance in Liver Lesion Classification*. [arXiv:1803.01229](https://arxiv.org/abs/1803.01229).
# - Tan, M., Le, Q. V. (2019). *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*. [arXiv:1905.11946](https://arxiv.org/abs/1905.11946).

# %% id="summary"
lab.summary()
