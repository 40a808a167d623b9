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
# # Laboratorio 7: leer reseñas. Clasificación de secuencias
#
# ¿Le gustó la película a quien escribe? «Aunque la trama es aburrida, el reparto es soberbio» y «Aunque el reparto es soberbio, la trama es aburrida» tienen las mismas
# palabras y dicen lo contrario. Una red que decide debe leer en **orden**: aquí construyes una con LSTM, la ves sobreajustar y la curas.
#
# Al terminar sabrás convertir textos en números y lotes (*batch*) con relleno (*padding*), leerlos con una red recurrente sin que el relleno cuente, reconocer el sobreajuste (*overfitting*) en las curvas,
# combatirlo con dropout, con una tasa de aprendizaje (*learning rate*) que baja y con parada temprana (*early stopping*), y comparar arquitecturas con honestidad.
#
# **Cómo trabajar.** Completa las celdas que dicen `ESCRIBE TU CÓDIGO AQUÍ` y ejecuta la celda plegada que les sigue: te
# dice enseguida cuántos puntos llevas y, si algo falla, qué se observó y qué probar. Puedes ejecutarla las veces que quieras.
# El código da 70 puntos; las preguntas abiertas del final, 30.
# Tus funciones no deben modificar lo que reciben (modos, parámetros, semillas), salvo lo que se pida, y deben servir en CPU y en GPU.

# %% [markdown] id="title-en" tags=["lang-en"]
# # Lab 7: reading reviews. Sequence classification
#
# Did the writer like the film? “Although the plot is dull, the cast is superb” and “Although the cast is superb, the plot is dull” have the same
# words and say the opposite. A network that decides has to read in **order**: here you build one with an LSTM, watch it overfit and cure it.
#
# By the end you will be able to turn texts into numbers and into batches (*lote*) with padding (*relleno*), to read them with a recurrent network without the padding counting, to recognise overfitting (*sobreajuste*) in the curves,
# to fight it with dropout, a learning rate (*tasa de aprendizaje*) that falls and early stopping (*parada temprana*), and to compare architectures honestly.
#
# **How to work.** Complete the cells that say `WRITE YOUR CODE HERE` and run the folded cell that follows: it tells you at
# once how many marks you have and, if something is wrong, what was seen and what to try. Run it as often as you like.
# The code gives 70 marks; the open questions at the end, 30.
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
from collections import Counter
from functools import partial
from textwrap import shorten

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import binomtest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.optim.lr_scheduler import ReduceLROnPlateau

from autograder import open_lab
from course import diagrams
from course.budget import budget
from course.data import GrammarSettings, load_reviews, words_of, written_reviews
from course.device import describe_device, get_device
from course.plots import curves, intervals, table
from course.training import History, progress

device = get_device(threads=1)

# %% id="open-lab-es" tags=["lang-es"]
lab = open_lab("lab7_sequences", language="es", device=device)
print(describe_device(device))

# %% id="open-lab-en" tags=["lang-en"]
lab = open_lab("lab7_sequences", language="en", device=device)
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
# ## 1. Las reseñas
#
# Son reseñas cortas que el curso escribe con una gramática: 18 aspectos de una película, 60 adjetivos, negaciones («no es nada aburrida») y concesiones («aunque…»), en las que decide la parte que no se concede. En una de cada diez la
# etiqueta es la contraria de lo que dice el texto, como ocurre cuando etiquetan personas: quien las leyera todas bien acertaría en torno al 90 %.
#
# Si `COURSE_DATA` contiene la carpeta `aclImdb`, se usan reseñas reales de IMDb (Maas et al., 2011), en inglés. Las escritas ocupan su lugar porque caben en un cuaderno y muestran en pequeño los mismos problemas: orden, relleno y sobreajuste. No son las reales, y lo que
# se mide con ellas no dice cuánto se acertaría con aquellas.

# %% [markdown] id="data-text-en" tags=["lang-en"]
# ## 1. The reviews
#
# They are short reviews that the course writes with a grammar: 18 aspects of a film, 60 adjectives, denials (“not at all boring”) and concessions (“although…”), where the part that is not conceded decides. In one of ten the
# label is the opposite of what the text says, as happens when people label: whoever read all of them well would be right about 90 % of the time.
#
# If `COURSE_DATA` holds the folder `aclImdb`, real IMDb reviews (Maas et al., 2011) are used, in English. The written ones take their place because they fit into a notebook and show the same problems on a small scale: order, padding and overfitting. They are not the real ones, and what
# is measured with them does not say how accurate one would be on those.

# %% id="data"
size = budget(cpu=1, cuda=1, grading=25, device=device)
training, validation, test = load_reviews(counts=(2500 // size, 500 // size, 1000 // size))
for text, label in list(zip(training.texts, training.labels, strict=True))[:6]:
    print("a favor  " if label else "en contra", shorten(text, 150, placeholder=" …"))  # es
    print("for     " if label else "against ", shorten(text, 150, placeholder=" …"))  # en

# %% [markdown] id="counting-text-es" tags=["lang-es"]
# ¿Hace falta leer en orden? Una regresión logística que solo **cuenta** palabras, y otra que cuenta también parejas de palabras seguidas, dicen cuánto se logra sin hacerlo. Se miden con la validación: la prueba se abre una sola vez, al final.

# %% [markdown] id="counting-text-en" tags=["lang-en"]
# Is reading in order needed? A logistic regression that only **counts** words, and another that counts pairs of neighbouring words too, tell how far one gets without it. They are measured on the validation part: the test set is opened once, at the end.

# %% id="counting"
def counting_model(longest):
    """es: Regresión logística sobre recuentos de palabras y de grupos de hasta `longest` palabras seguidas."""
    """en: Logistic regression on counts of words and of groups of up to `longest` neighbouring words."""
    counts = CountVectorizer(ngram_range=(1, longest), tokenizer=words_of, token_pattern=None, binary=True)
    seen = counts.fit_transform(training.texts)
    model = LogisticRegression(C=0.3, max_iter=500).fit(seen, training.labels)
    return lambda part: float(model.score(counts.transform(part.texts), part.labels))


counted = {longest: counting_model(longest) for longest in (1, 2)}
for longest, accuracy_of in counted.items():
    print(f"grupos de hasta {longest}: exactitud de validación {accuracy_of(validation):.3f}")  # es
    print(f"groups of up to {longest}: validation accuracy {accuracy_of(validation):.3f}")  # en

# %% [markdown] id="counting-after-es" tags=["lang-es"]
# Ninguna llega a la exactitud (*accuracy*) de 0.70: las mismas palabras sirven a favor y en contra.

# %% [markdown] id="counting-after-en" tags=["lang-en"]
# Neither reaches an accuracy (*exactitud*) of 0.70: the same words serve for and against.

# %% id="claim-counting" tags=["active-py", "claim"]
# of: counting-after
# es: Ninguna llega a la exactitud (*accuracy*) de 0.70: …
# en: Neither reaches an accuracy (*exactitud*) of 0.70: …
assert max(accuracy_of(validation) for accuracy_of in counted.values()) < 0.7

# %% [markdown] id="vocabulary-text-es" tags=["lang-es"]
# ## 2. De palabras a números (8 puntos)
#
# Una red necesita números. Cada reseña es aquí una lista de palabras (`training.words`), y también los puntos y las comas cuentan como palabras. Escribe dos funciones:
#
# - `build_vocabulary(reviews, size)` recibe una lista de reseñas y devuelve un diccionario de palabra a número. Los números 0 y 1 están reservados: **0 es el relleno** y **1 una palabra desconocida**.
# - Las palabras se numeran desde 2, de la más frecuente (contando todas las reseñas) a la menos; las que aparecen igual número de veces, por orden alfabético, el de `sorted`. Así el resultado no depende del orden de las reseñas.
# - `size` cuenta también el 0 y el 1: entran las `size - 2` palabras más frecuentes, o todas si hay menos.
# - `encode(review, vocabulary)` devuelve la lista de los números de las palabras de una reseña, en su orden; una palabra que no está en el vocabulario es un 1.
#
# El vocabulario sale **solo** del conjunto de entrenamiento: de la prueba no se sabe nada todavía, tampoco qué palabras trae.

# %% [markdown] id="vocabulary-text-en" tags=["lang-en"]
# ## 2. From words to numbers (8 marks)
#
# A network needs numbers. Each review is a list of words here (`training.words`), and full stops and commas count as words too. Write two functions:
#
# - `build_vocabulary(reviews, size)` takes a list of reviews and returns a dictionary from word to number. The numbers 0 and 1 are reserved: **0 is padding** and **1 an unknown word**.
# - Words are numbered from 2 on, from the most frequent one (counting all reviews) to the least; those that occur equally often, in alphabetical order, that of `sorted`. So the result does not depend on the order of the reviews.
# - `size` counts 0 and 1 too: the `size - 2` most frequent words are in it, or all if there are fewer.
# - `encode(review, vocabulary)` returns the list of the numbers of a review's words, in their order; a word that the vocabulary does not have is a 1.
#
# The vocabulary comes from the training set **only**: nothing is known of the test set yet, nor which words it brings.

# %% id="vocabulary" nbgrader={"grade": false, "grade_id": "vocabulary", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_vocabulary(reviews, size):
    """es: Número de cada palabra frecuente, desde 2."""
    """en: Number of each frequent word, from 2 on."""
    ### BEGIN SOLUTION
    counts = Counter(word for review in reviews for word in review)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return {word: number for number, word in enumerate(frequent, start=2)}
    ### END SOLUTION


def encode(review, vocabulary):
    """es: Números de las palabras de una reseña; 1 si no se conoce."""
    """en: Numbers of a review's words; 1 where it is not known."""
    ### BEGIN SOLUTION
    return [vocabulary.get(word, 1) for word in review]
    ### END SOLUTION

# %% id="vocabulary_check" nbgrader={"grade": true, "grade_id": "vocabulary_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("vocabulary", points=8) as checks:
    checks.sequences.vocabulary("vocabulary.words", build_vocabulary, points=5)
    checks.sequences.encoding("vocabulary.encoding", encode, points=3)
checks.score

# %% id="encoded" tags=["raises-exception"]
VOCABULARY_SIZE = 200 if training.name == "grammar" else 5000
vocabulary = build_vocabulary(training.words, VOCABULARY_SIZE)
encoded = {}
for name, part in {"training": training, "validation": validation, "test": test}.items():
    encoded[name] = [encode(review, vocabulary) for review in part.words]
print(training.texts[0])
print(encoded["training"][0])
unknown = np.mean([number == 1 for review in encoded["validation"] for number in review])
print(f"palabras de validación desconocidas: {unknown:.2%}")  # es
print(f"unknown words in the validation part: {unknown:.2%}")  # en

# %% [markdown] id="collate-text-es" tags=["lang-es"]
# ## 3. Lotes de longitudes distintas (7 puntos)
#
# Un lote es un tensor rectangular, y las reseñas no miden lo mismo: a las cortas se les añade relleno. Escribe `collate(sequences)`, que recibe una lista de listas de números, ninguna vacía, y devuelve dos tensores de enteros (`torch.int64`):
#
# - `tokens`, de forma `(n, la más larga)`: cada secuencia en su fila, desde la primera columna, y **ceros al final**;
# - `lengths`, de forma `(n,)`: cuántos números tiene cada secuencia, sin contar el relleno.
#
# El orden de las secuencias no cambia. Pista: `pad_sequence(..., batch_first=True)`.

# %% [markdown] id="collate-text-en" tags=["lang-en"]
# ## 3. Batches of unequal lengths (7 marks)
#
# A batch is a rectangular tensor, and reviews are not equally long: short ones get padding. Write `collate(sequences)`, which takes a list of lists of numbers, none of them empty, and returns two tensors of integers (`torch.int64`):
#
# - `tokens`, of shape `(n, the longest)`: each sequence in its row, from the first column on, and **zeros at the end**;
# - `lengths`, of shape `(n,)`: how many numbers each sequence has, without the padding.
#
# The order of the sequences does not change. Hint: `pad_sequence(..., batch_first=True)`.

# %% id="collate" nbgrader={"grade": false, "grade_id": "collate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def collate(sequences):
    """es: Secuencias con relleno (n, la más larga) y sus longitudes (n,)."""
    """en: Padded sequences (n, the longest) and their lengths (n,)."""
    ### BEGIN SOLUTION
    tokens = pad_sequence([torch.tensor(sequence) for sequence in sequences], batch_first=True, padding_value=0)
    return tokens, torch.tensor([len(sequence) for sequence in sequences])
    ### END SOLUTION

# %% id="collate_check" nbgrader={"grade": true, "grade_id": "collate_check", "locked": true, "points": 7, "schema_version": 3, "solution": false, "task": false}
with lab.marks("collate", points=7) as checks:
    checks.sequences.collation("collate.tokens", collate, part="tokens", points=4)
    checks.sequences.collation("collate.lengths", collate, part="lengths", points=3)
checks.score

# %% id="batches" tags=["raises-exception"]
BATCH_SIZE = 32


def batches_of(name, part, shuffle=False, most=None):
    """es: Lotes de una parte, o de sus primeras `most` reseñas: secuencias, longitudes y etiquetas, en el dispositivo."""
    """en: Batches of a part, or of its first `most` reviews: sequences, lengths and labels, on the device."""
    order = (torch.randperm(len(part)) if shuffle else torch.arange(len(part)))[:most]
    for rows in order.split(BATCH_SIZE):
        tokens, lengths = collate([encoded[name][row] for row in rows])
        yield tokens.to(device), lengths.to(device), part.labels[rows].to(device)


tokens, lengths, targets = next(batches_of("training", training))
print(tokens.shape, f"relleno: {(tokens == 0).double().mean():.0%}")  # es
print(tokens.shape, f"padding: {(tokens == 0).double().mean():.0%}")  # en

# %% [markdown] id="lstm-text-es" tags=["lang-es"]
# ## 4. Una red que lee (16 puntos)
#
# Una red recurrente lee palabra por palabra y lleva un **estado** $h_t$, que resume lo leído. La LSTM (Hochreiter y Schmidhuber, 1997) lleva además una memoria $c_t$. De $x_t$ y $h_{t-1}$ calcula un candidato $g$ y tres compuertas, vectores de números entre 0 y 1: $i$ decide cuánto entra del candidato, $f$ cuánto se conserva de la memoria (la añadieron Gers et al., 2000) y $o$ cuánto se muestra:
#
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# Así una palabra del principio («aunque») puede contar hasta el final. Escribe `SentimentLSTM(vocabulary_size=200, embedding=32, hidden=32, dropout=0.4)`, con estas capas:
#
# 1. **embedding**: cada número se convierte en un vector de `embedding` números que se aprenden; con `padding_idx=0`, el del relleno es y sigue siendo cero;
# 2. **LSTM** de una capa, de `embedding` a `hidden`, con `batch_first=True`;
# 3. una capa **lineal**, de `hidden` a 1.
#
# `forward(tokens, lengths)` devuelve un **logit** por reseña, de forma `(n,)`, sin sigmoide: positivo quiere decir «a favor». Hay **dropout** en dos lugares: sobre los vectores de las palabras, antes de empaquetar, y sobre el estado, antes de la capa lineal.
#
# El estado que decide es el de la **última palabra** de cada reseña, no el de la última columna: después de las cortas viene relleno, y la LSTM lo leería. `pack_padded_sequence(..., lengths.cpu(), batch_first=True, enforce_sorted=False)` le dice dónde
# termina cada una (quiere las longitudes en la CPU); el estado final que devuelve la LSTM es entonces el correcto. También puedes leerlo todo y escoger de cada fila la columna `lengths - 1`.

# %% [markdown] id="lstm-text-en" tags=["lang-en"]
# ## 4. A network that reads (16 marks)
#
# A recurrent network reads word by word and carries a **state** $h_t$ that sums up what was read. The LSTM (Hochreiter and Schmidhuber, 1997) also carries a memory $c_t$. From $x_t$ and $h_{t-1}$ it computes a candidate $g$ and three gates, vectors of numbers between 0 and 1: $i$ decides how much of the candidate enters, $f$ how much of the memory is kept (Gers et al., 2000, added it), and $o$ how much is shown:
#
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# So a word at the beginning (“although”) can count until the end. Write `SentimentLSTM(vocabulary_size=200, embedding=32, hidden=32, dropout=0.4)`, with these layers:
#
# 1. **embedding**: each number becomes a vector of `embedding` numbers that are learned; with `padding_idx=0`, that of padding is and remains zero;
# 2. **LSTM** of one layer, from `embedding` to `hidden`, with `batch_first=True`;
# 3. a **linear** layer, from `hidden` to 1.
#
# `forward(tokens, lengths)` returns one **logit** per review, of shape `(n,)`, without a sigmoid: positive means “for”. There is **dropout** in two places: on the vectors of the words, before packing, and on the state, before the linear layer.
#
# The state that decides is that of each review's **last word**, not that of the last column: padding follows the short ones, and the LSTM would read it. `pack_padded_sequence(..., lengths.cpu(), batch_first=True, enforce_sorted=False)` tells it where
# each one ends (it wants the lengths on the CPU); the final state that the LSTM returns is then the right one. You may also read everything and pick column `lengths - 1` of each row.

# %% id="padding-diagram"
diagrams.padded_batch()

# %% id="sentiment_lstm" nbgrader={"grade": false, "grade_id": "sentiment_lstm", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SentimentLSTM(nn.Module):
    """es: Un logit por reseña: (n, palabras), (n,) -> (n,)."""
    """en: One logit per review: (n, words), (n,) -> (n,)."""

    def __init__(self, vocabulary_size=200, embedding=32, hidden=32, dropout=0.4):
        super().__init__()
        ### BEGIN SOLUTION
        self.embedding = nn.Embedding(vocabulary_size, embedding, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.output = nn.Linear(hidden, 1)
        ### END SOLUTION

    def forward(self, tokens, lengths):
        ### BEGIN SOLUTION
        words = self.dropout(self.embedding(tokens))  # (n, words, embedding)
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (state, _) = self.lstm(packed)  # (1, n, hidden)
        return self.output(self.dropout(state[-1])).squeeze(1)
        ### END SOLUTION

# %% id="sentiment_lstm_check" nbgrader={"grade": true, "grade_id": "sentiment_lstm_check", "locked": true, "points": 16, "schema_version": 3, "solution": false, "task": false}
with lab.marks("sentiment_lstm", points=16) as checks:
    checks.network_structure(
        "sentiment_lstm.structure",
        SentimentLSTM,
        inputs=lab.supplied_sequences(200),
        output_shape=("n",),
        parameters=14_881,
        points=3,
    )
    small_lstm = partial(SentimentLSTM, 30, 6, 5)
    checks.network_output(
        "sentiment_lstm.logits", small_lstm, inputs=lab.supplied_sequences(30), points=5
    )
    checks.sequences.padding("sentiment_lstm.padding", small_lstm, vocabulary=30, points=4)
    checks.dropout("sentiment_lstm.dropout", small_lstm, inputs=lab.supplied_sequences(30), points=4)
checks.score

# %% [markdown] id="train_step-text-es" tags=["lang-es"]
# ## 5. Entrenar y evaluar
# ### Un paso (10 puntos)
#
# Escribe `train_step(model, optimizer, tokens, lengths, targets)`; las etiquetas `targets` son enteros, 0 o 1:
#
# 1. modo **train**: una evaluación anterior pudo dejar otro;
# 2. gradientes a cero;
# 3. la pérdida (*loss*) es la **entropía cruzada binaria** media de los logits, `F.binary_cross_entropy_with_logits`, que lleva la sigmoide dentro; quiere las etiquetas como números reales, del tipo de los logits;
# 4. retropropagación y un paso del optimizador;
# 5. devuelve la pérdida, como número (`.item()`).

# %% [markdown] id="train_step-text-en" tags=["lang-en"]
# ## 5. Training and evaluating
# ### One step (10 marks)
#
# Write `train_step(model, optimizer, tokens, lengths, targets)`; the labels `targets` are integers, 0 or 1:
#
# 1. **train** mode: an evaluation before may have left another one;
# 2. gradients to zero;
# 3. the loss (*pérdida*) is the mean **binary cross-entropy** of the logits, `F.binary_cross_entropy_with_logits`, which has the sigmoid inside; it wants the labels as floating-point numbers, of the type of the logits;
# 4. backward pass and one step of the optimiser;
# 5. return the loss, as a number (`.item()`).

# %% id="train_step" nbgrader={"grade": false, "grade_id": "train_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(model, optimizer, tokens, lengths, targets):
    """es: Un paso de entrenamiento; devuelve la pérdida."""
    """en: One training step; returns the loss."""
    ### BEGIN SOLUTION
    model.train()
    optimizer.zero_grad()
    logits = model(tokens, lengths)
    loss = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION

# %% id="train_step_check" nbgrader={"grade": true, "grade_id": "train_step_check", "locked": true, "points": 10, "schema_version": 3, "solution": false, "task": false}
with lab.marks("train_step", points=10) as checks:
    step_checks = checks.sequence_step(train_step)
    step_checks.loss("train_step.loss", points=3)
    step_checks.update("train_step.update", points=4)
    step_checks.zero_grad("train_step.zero_grad", points=1)
    step_checks.mode("train_step.mode", points=2)
checks.score

# %% [markdown] id="evaluate-text-es" tags=["lang-es"]
# ### Evaluar (8 puntos)
#
# Escribe `evaluate(model, batches)`; `batches` da ternas `(tokens, lengths, targets)`. Devuelve dos números, en este orden: la **pérdida media** y la **exactitud** (proporción de aciertos), ambas sobre **todas las reseñas**. Los lotes pueden tener distinto tamaño, así que no es la media de las
# medias de los lotes. Se decide 1 donde el logit es positivo. En modo **eval** y sin gradientes, una pasada por cada lote (`batches` se puede recorrer una sola vez); el modelo puede quedar en modo eval: `train_step` lo devuelve a train.

# %% [markdown] id="evaluate-text-en" tags=["lang-en"]
# ### Evaluating (8 marks)
#
# Write `evaluate(model, batches)`; `batches` yields triples `(tokens, lengths, targets)`. It returns two numbers, in this order: the **mean loss** and the **accuracy** (share of right answers), both over **all reviews**. Batches may differ in size, so it is not the mean of the
# batches' means. The decision is 1 where the logit is positive. In **eval** mode and without gradients, one pass for each batch (`batches` can be gone through only once); the model may stay in eval mode: `train_step` takes it back to train.

# %% id="evaluate" nbgrader={"grade": false, "grade_id": "evaluate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def evaluate(model, batches):
    """es: Pérdida media y exactitud de todas las reseñas."""
    """en: Mean loss and accuracy of all reviews."""
    ### BEGIN SOLUTION
    model.eval()
    loss, hits, count = 0.0, 0, 0
    with torch.no_grad():
        for tokens, lengths, targets in batches:
            logits = model(tokens, lengths)
            loss += F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="sum").item()
            hits += ((logits > 0) == (targets == 1)).sum().item()
            count += len(targets)
    return loss / count, hits / count
    ### END SOLUTION

# %% id="evaluate_check" nbgrader={"grade": true, "grade_id": "evaluate_check", "locked": true, "points": 8, "schema_version": 3, "solution": false, "task": false}
with lab.marks("evaluate", points=8) as checks:
    prediction_checks = checks.sequence_evaluation(evaluate)
    prediction_checks.values("evaluate.values", points=5)
    prediction_checks.mode("evaluate.mode", points=3)
checks.score

# %% [markdown] id="padding-text-es" tags=["lang-es"]
# ### El error clásico, visto
#
# ¿Qué pasa si se toma el estado de la última **columna**? La red de la siguiente celda lo hace, y es por lo demás igual a la tuya. La mayoría de las reseñas termina en relleno, que la LSTM lee también. Las dos se entrenan cuatro épocas, sin dropout.

# %% [markdown] id="padding-text-en" tags=["lang-en"]
# ### The classical mistake, seen
#
# What happens if one takes the state of the last **column**? The network of the next cell does so, and is otherwise identical to yours. Most reviews end in padding, which the LSTM reads too. Both are trained for four epochs, without dropout.

# %% id="train-once"
def train_once(model, optimizer):
    """es: Una época: un paso con cada lote."""
    """en: One epoch: a step with each batch."""
    for batch in batches_of("training", training, shuffle=True):
        train_step(model, optimizer, *batch)

# %% id="padding-mistake" tags=["raises-exception"]
class LastColumn(nn.Module):
    """es: Lee también el relleno."""
    """en: Reads the padding too."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY_SIZE, 32, padding_idx=0)
        self.lstm = nn.LSTM(32, 32, batch_first=True)
        self.output = nn.Linear(32, 1)

    def forward(self, tokens, lengths):
        states, _ = self.lstm(self.embedding(tokens))  # (n, words, 32)
        return self.output(states[:, -1]).squeeze(1)


ways = {"última columna": LastColumn, "última palabra": partial(SentimentLSTM, VOCABULARY_SIZE, dropout=0.0)}  # es
ways = {"last column": LastColumn, "last word": partial(SentimentLSTM, VOCABULARY_SIZE, dropout=0.0)}  # en
after_four = {}
for way, make in ways.items():
    torch.manual_seed(0)
    model = make().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for _ in progress(range(budget(cpu=4, cuda=4, grading=1, device=device))):
        train_once(model, optimizer)
    after_four[way] = evaluate(model, batches_of("validation", validation))
    print(f"{way}: pérdida de validación {after_four[way][0]:.3f}, exactitud {after_four[way][1]:.3f}")  # es
    print(f"{way}: validation loss {after_four[way][0]:.3f}, accuracy {after_four[way][1]:.3f}")  # en

# %% [markdown] id="padding-after-es" tags=["lang-es"]
# Con la última columna el resultado es casi el de lanzar una moneda ($\ln 2 \approx 0.69$), y ningún mensaje de error lo dice: las formas son correctas. La red que se detiene en la última palabra ya ha empezado a leer.

# %% [markdown] id="padding-after-en" tags=["lang-en"]
# With the last column the result is almost that of tossing a coin ($\ln 2 \approx 0.69$), and no error message says so: the shapes are right. The network that stops at the last word has begun to read by now.

# %% id="claim-padding" tags=["active-py", "claim"]
# of: padding-after
# es: Con la última columna el resultado es casi el de lanzar una moneda ($\ln 2 \approx 0.69$), …
# en: With the last column the result is almost that of tossing a coin ($\ln 2 \approx 0.69$), …
# es: La red que se detiene en la última palabra ya ha empezado a leer.
# en: The network that stops at the last word has begun to read by now.
misled, reading = after_four.values()
assert abs(misled[0] - np.log(2)) < 0.06 and abs(misled[1] - 0.5) < 0.09
assert reading[0] < 0.64 and reading[1] > 0.64

# %% [markdown] id="overfitting-text-es" tags=["lang-es"]
# ## 6. Sobreajuste
#
# Ahora tu red, más tiempo y todavía **sin dropout**. La entrena Adam (Kingma y Ba, 2015) con una tasa de 0.005; después de cada época se miden la validación y otras tantas reseñas de entrenamiento, ambas en modo eval.

# %% [markdown] id="overfitting-text-en" tags=["lang-en"]
# ## 6. Overfitting
#
# Now your network, for longer and still **without dropout**. Adam (Kingma and Ba, 2015) trains it with a rate of 0.005; after each epoch the validation part and as many training reviews are measured, both in eval mode.

# %% id="overfitting" tags=["raises-exception"]
def measured(model, history):
    """es: Mide entrenamiento y validación y los anota; devuelve la pérdida de validación."""
    """en: Measure training and validation and note them; return the validation loss."""
    seen = evaluate(model, batches_of("training", training, most=500))
    new = evaluate(model, batches_of("validation", validation))
    history.record(training=seen[0], validation=new[0], training_accuracy=seen[1], accuracy=new[1])
    return new[0]


def new_history():
    return History("training", "validation", "training_accuracy", "accuracy")


torch.manual_seed(0)
plain = SentimentLSTM(VOCABULARY_SIZE, dropout=0.0).to(device)
optimizer = torch.optim.Adam(plain.parameters(), lr=0.005)
plain_history = new_history()
for _ in progress(range(budget(cpu=16, cuda=16, grading=1, device=device))):
    train_once(plain, optimizer)
    measured(plain, plain_history)
best = 1 + int(np.argmin(plain_history.validation))
print(f"mejor época: {best}; validación:", " ".join(f"{loss:.2f}" for loss in plain_history.validation))  # es
print(f"best epoch: {best}; validation:", " ".join(f"{loss:.2f}" for loss in plain_history.validation))  # en

# %% id="overfitting-losses" tags=["raises-exception"]
def show_losses(history, title):
    best = 1 + int(np.argmin(history.validation))
    mark = (best, f"mejor época: {best}")  # es
    mark = (best, f"best epoch: {best}")  # en
    losses = {"entrenamiento": history.training, "validación": history.validation}  # es
    losses = {"training": history.training, "validation": history.validation}  # en
    return curves(losses, title=title, xlabel="época", start=1, mark=mark, ylim=(0.0, 0.8))  # es
    return curves(losses, title=title, xlabel="epoch", start=1, mark=mark, ylim=(0.0, 0.8))  # en


show_losses(plain_history, "Sin dropout: pérdida")  # es
show_losses(plain_history, "Without dropout: loss")  # en

# %% id="overfitting-accuracy" tags=["raises-exception"]
def show_accuracy(history, title):
    known = {"entrenamiento": history.training_accuracy, "validación": history.accuracy}  # es
    known = {"training": history.training_accuracy, "validation": history.accuracy}  # en
    level = (0.9, "techo: 90 %")  # es
    level = (0.9, "ceiling: 90 %")  # en
    return curves(known, title=title, xlabel="época", ylabel="exactitud", start=1, level=level, ylim=(0.45, 1.0))  # es
    return curves(known, title=title, xlabel="epoch", ylabel="accuracy", start=1, level=level, ylim=(0.45, 1.0))  # en


show_accuracy(plain_history, "Sin dropout: exactitud")  # es
show_accuracy(plain_history, "Without dropout: accuracy")  # en

# %% [markdown] id="overfitting-after-es" tags=["lang-es"]
# Durante unas épocas bajan las dos pérdidas; después la de validación **sube** mientras la de entrenamiento sigue bajando: ahí empieza el sobreajuste. En el entrenamiento la exactitud pasa del 90 % que permiten las etiquetas. ¿Cómo puede ser?
# Y la exactitud de validación apenas nota lo que la pérdida sí nota. ¿Por qué? La pregunta 1 te pide explicarlo.

# %% [markdown] id="overfitting-after-en" tags=["lang-en"]
# For some epochs both losses fall; after that the validation loss **rises** while the training loss goes on falling: there overfitting begins. In training the accuracy passes the 90 % that the labels allow. How can that be?
# And the validation accuracy hardly notices what the loss does notice. Why? Question 1 asks you to explain it.

# %% id="claim-overfitting" tags=["active-py", "claim"]
# of: overfitting-after
# es: Durante unas épocas bajan las dos pérdidas; después la de validación **sube** mientras la de entrenamiento sigue bajando: …
# en: For some epochs both losses fall; after that the validation loss **rises** while the training loss goes on falling: …
# es: En el entrenamiento la exactitud pasa del 90 % que permiten las etiquetas.
# en: In training the accuracy passes the 90 % that the labels allow.
# es: Y la exactitud de validación apenas nota lo que la pérdida sí nota.
# en: And the validation accuracy hardly notices what the loss does notice.
assert 3 < best < len(plain_history)
assert plain_history.validation[-1] > plain_history.validation[best - 1] + 0.06
assert plain_history.training[-1] < plain_history.training[best - 1] - 0.04
assert plain_history.training_accuracy[-1] > 0.9
assert plain_history.accuracy[-1] > plain_history.accuracy[best - 1] - 0.05

# %% [markdown] id="early_stopping-text-es" tags=["lang-es"]
# ## 7. Las curas
# ### Parar a tiempo (6 puntos)
#
# La **parada temprana** (Prechelt, 1998) vigila la pérdida de validación: cuando deja de bajar durante varias épocas, se termina, y se vuelve al modelo de la mejor. Escribe la clase `EarlyStopping(patience)`:
#
# - `step(loss, model)` se llama después de cada época con la pérdida de validación. Si es **menor** que la menor hasta ahora, guarda una copia del estado del modelo (`state_dict`) y vuelve a contar desde cero; si no (tampoco si es igual), cuenta una época más sin mejora.
# - `step` devuelve si hay que parar: `True` cuando van al menos `patience` épocas **seguidas** sin mejora, `False` en los demás casos.
# - `restore(model)` deja el modelo en el estado guardado, el de la mejor época.
#
# Por ejemplo, con paciencia 3 y pérdidas 0.9, 0.8, 0.85, 0.7, 0.75, 0.74, 0.73 se para después de la séptima, y `restore` vuelve a la cuarta. Cuidado: `state_dict()` no copia los números; `copy.deepcopy` sí.

# %% [markdown] id="early_stopping-text-en" tags=["lang-en"]
# ## 7. The cures
# ### Stopping in time (6 marks)
#
# **Early stopping** (Prechelt, 1998) watches the validation loss: when it has not fallen for several epochs, training ends, and one goes back to the model of the best one. Write the class `EarlyStopping(patience)`:
#
# - `step(loss, model)` is called after each epoch with the validation loss. If it is **less** than the least so far, it keeps a copy of the model's state (`state_dict`) and begins to count from zero; if not (an equal one neither), it counts one more epoch without progress.
# - `step` returns whether to stop: `True` when there have been at least `patience` epochs **in a row** without progress, `False` in all other cases.
# - `restore(model)` puts the model into the state that was kept, that of the best epoch.
#
# For example, with patience 3 and losses 0.9, 0.8, 0.85, 0.7, 0.75, 0.74, 0.73 it stops after the seventh, and `restore` goes back to the fourth. Careful: `state_dict()` does not copy the numbers; `copy.deepcopy` does.

# %% id="early_stopping" nbgrader={"grade": false, "grade_id": "early_stopping", "locked": false, "schema_version": 3, "solution": true, "task": false}
class EarlyStopping:
    """es: Dice cuándo parar y guarda el mejor estado."""
    """en: Says when to stop and keeps the best state."""

    def __init__(self, patience):
        ### BEGIN SOLUTION
        self.patience = patience
        self.best = float("inf")
        self.waited = 0
        self.state = None
        ### END SOLUTION

    def step(self, loss, model):
        ### BEGIN SOLUTION
        if loss < self.best:
            self.best, self.waited = loss, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.waited += 1
        return self.waited >= self.patience
        ### END SOLUTION

    def restore(self, model):
        ### BEGIN SOLUTION
        model.load_state_dict(self.state)
        ### END SOLUTION

# %% id="early_stopping_check" nbgrader={"grade": true, "grade_id": "early_stopping_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("early_stopping", points=6) as checks:
    checks.early_stopping("early_stopping.stop", EarlyStopping, aspect="stop", points=3)
    checks.early_stopping("early_stopping.restore", EarlyStopping, aspect="restore", points=3)
checks.score

# %% [markdown] id="fit-text-es" tags=["lang-es"]
# ### El entrenamiento entero (6 puntos)
#
# La tasa de aprendizaje también se adapta: `ReduceLROnPlateau` la multiplica por un factor, aquí 0.5, cuando la pérdida de validación se estanca. Escribe `fit(model, train_epoch, validate, num_epochs, scheduler, stopping)`. En cada época, y en este orden:
#
# 1. `train_epoch()` entrena;
# 2. `validate()` devuelve la pérdida de **validación**;
# 3. `scheduler.step(pérdida)` la recibe, y
# 4. `stopping.step(pérdida, model)` dice si se para.
#
# Se hacen a lo sumo `num_epochs` épocas. Al final, se haya parado o no, `stopping.restore(model)`. Devuelve la lista de las pérdidas de validación, en orden.

# %% [markdown] id="fit-text-en" tags=["lang-en"]
# ### The whole training (6 marks)
#
# The learning rate adapts as well: `ReduceLROnPlateau` multiplies it by a factor, 0.5 here, when the validation loss stagnates. Write `fit(model, train_epoch, validate, num_epochs, scheduler, stopping)`. In each epoch, and in this order:
#
# 1. `train_epoch()` trains;
# 2. `validate()` returns the **validation** loss;
# 3. `scheduler.step(loss)` is told it, and
# 4. `stopping.step(loss, model)` says whether to stop.
#
# There are `num_epochs` epochs at most. In the end, stopped or not, `stopping.restore(model)`. Return the list of the validation losses, in order.

# %% id="fit" nbgrader={"grade": false, "grade_id": "fit", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fit(model, train_epoch, validate, num_epochs, scheduler, stopping):
    """es: Entrena hasta parar, deja el mejor modelo y devuelve las pérdidas de validación."""
    """en: Train until it stops, leave the best model and return the validation losses."""
    ### BEGIN SOLUTION
    losses = []
    for _ in range(num_epochs):
        train_epoch()
        loss = validate()
        losses.append(loss)
        scheduler.step(loss)
        if stopping.step(loss, model):
            break
    stopping.restore(model)
    return losses
    ### END SOLUTION

# %% id="fit_check" nbgrader={"grade": true, "grade_id": "fit_check", "locked": true, "points": 6, "schema_version": 3, "solution": false, "task": false}
with lab.marks("fit", points=6) as checks:
    checks.stopped_training("fit.losses", fit, aspect="losses", points=2)
    checks.stopped_training("fit.scheduler", fit, aspect="scheduler", points=2)
    checks.stopped_training("fit.state", fit, aspect="state", points=2)
checks.score

# %% [markdown] id="cures-text-es" tags=["lang-es"]
# Ahora, las tres curas a la vez: dropout de 0.4 (Srivastava et al., 2014), la tasa que baja a la mitad tras más de dos épocas sin mejora, y parada temprana con paciencia de siete.

# %% [markdown] id="cures-text-en" tags=["lang-en"]
# Now all three cures at once: dropout of 0.4 (Srivastava et al., 2014), the rate that is halved after more than two epochs without progress, and early stopping with a patience of seven.

# %% id="cures" tags=["raises-exception"]
def trained(model, num_epochs):
    """es: Entrena con la tasa que baja y parada temprana; devuelve sus curvas y las tasas."""
    """en: Train with the rate that falls and early stopping; return its curves and the rates."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
    history, rates = new_history(), []

    def one_epoch():
        rates.append(optimizer.param_groups[0]["lr"])
        train_once(model, optimizer)

    fit(model, one_epoch, lambda: measured(model, history), num_epochs, scheduler, EarlyStopping(7))
    return history, rates


num_epochs = budget(cpu=40, cuda=40, grading=1, device=device)
torch.manual_seed(0)
cured = SentimentLSTM(VOCABULARY_SIZE).to(device)
cured_history, rates = trained(cured, num_epochs)
falls = {rate: rates.index(rate) + 1 for rate in sorted(set(rates), reverse=True)}
print(f"épocas: {len(cured_history)};", ", ".join(f"desde la {epoch}, tasa {rate:g}" for rate, epoch in falls.items()))  # es
print(f"epochs: {len(cured_history)};", ", ".join(f"from {epoch} on, rate {rate:g}" for rate, epoch in falls.items()))  # en

# %% id="cures-losses" tags=["raises-exception"]
show_losses(cured_history, "Con dropout, tasa que baja y parada temprana")  # es
show_losses(cured_history, "With dropout, a rate that falls and early stopping")  # en

# %% id="cures-accuracy" tags=["raises-exception"]
show_accuracy(cured_history, "Con las tres curas: exactitud")  # es
show_accuracy(cured_history, "With all three cures: accuracy")  # en

# %% [markdown] id="cures-after-es" tags=["lang-es"]
# Con dropout se aprende más despacio (cada paso ve una red con otras neuronas apagadas), las dos curvas se separan poco y la pérdida de validación ya no vuelve a subir. La exactitud de entrenamiento se queda cerca del techo.
#
# Las otras dos curas actúan al final: cuando la pérdida se estanca, la tasa baja, y tras siete épocas sin mejora el entrenamiento termina, antes de las 40, y vuelve a la época que marca la línea. En esta corrida la tasa bajó después de esa época: calmó la curva, y no cambió el modelo que se guarda.

# %% [markdown] id="cures-after-en" tags=["lang-en"]
# With dropout learning is slower (each step sees a network with different units switched off), the two curves part only a little and the validation loss does not rise again. The training accuracy stays near the ceiling.
#
# The other two cures act at the end: when the loss stagnates the rate falls, and after seven epochs without progress training ends, before the 40, and goes back to the epoch that the line marks. In this run the rate fell after that epoch: it calmed the curve, and did not change the model that is kept.

# %% id="claim-cures" tags=["active-py", "claim"]
# of: cures-after
# es: Con dropout se aprende más despacio (cada paso ve una red con otras neuronas apagadas), las dos curvas se separan poco y la pérdida de validación ya no vuelve a subir.
# en: With dropout learning is slower (each step sees a network with different units switched off), the two curves part only a little and the validation loss does not rise again.
# es: La exactitud de entrenamiento se queda cerca del techo.
# en: The training accuracy stays near the ceiling.
# es: Las otras dos curas actúan al final: cuando la pérdida se estanca, la tasa baja, y tras siete épocas sin mejora el entrenamiento termina, antes de las 40, y vuelve a la época que marca la línea.
# en: The other two cures act at the end: when the loss stagnates the rate falls, and after seven epochs without progress training ends, before the 40, and goes back to the epoch that the line marks.
# es: En esta corrida la tasa bajó después de esa época: calmó la curva, y no cambió el modelo que se guarda.
# en: In this run the rate fell after that epoch: it calmed the curve, and did not change the model that is kept.
assert np.argmax(np.array(cured_history.validation) < 0.5) > np.argmax(np.array(plain_history.validation) < 0.5)
assert cured_history.validation[-1] < min(cured_history.validation) + 0.05
assert abs(cured_history.training[-1] - cured_history.validation[-1]) < 0.12
assert abs(cured_history.training_accuracy[-1] - 0.9) < 0.06
kept = 1 + int(np.argmin(cured_history.validation))
assert len(cured_history) == kept + 7 < 40
lowered = np.array(rates) < 0.005
assert lowered.any() and np.argmax(lowered) >= kept
assert np.std(np.array(cured_history.validation)[lowered]) < np.std(np.array(cured_history.validation)[~lowered][-5:])

# %% [markdown] id="conv_lstm-text-es" tags=["lang-es"]
# ## 8. Convolución, LSTM y capa densa (9 puntos)
#
# Una convolución de una dimensión ve tres palabras seguidas y podría reconocer giros como «no es nada»; la LSTM lee después lo que ella encontró (la C-LSTM de Zhou et al., 2015). Escribe `ConvLSTM(vocabulary_size=200, embedding=32, hidden=32, dropout=0.4)`:
#
# 1. embedding como antes, con `padding_idx=0`, y dropout sobre los vectores;
# 2. `Conv1d` de `embedding` a `embedding` canales, núcleo (*kernel*) de 3 y `padding=1`, y ReLU. Su entrada es `(n, canales, palabras)`: hay que trasponer antes y después;
# 3. LSTM de `embedding` a `hidden`, hasta la última palabra de cada reseña;
# 4. capa lineal de `hidden` a 32, ReLU, dropout, y capa lineal de 32 a 1.
#
# Devuelve logits `(n,)`. Lo que llega del relleno a la convolución es cero, como fuera del borde, gracias a `padding_idx=0`; no añadas nada antes de ella. Así el logit de una reseña no depende de con quién comparta el lote.

# %% [markdown] id="conv_lstm-text-en" tags=["lang-en"]
# ## 8. Convolution, LSTM and dense layer (9 marks)
#
# A convolution in one dimension sees three neighbouring words and might recognise turns such as “not at all”; after it, the LSTM reads what it found (the C-LSTM of Zhou et al., 2015). Write `ConvLSTM(vocabulary_size=200, embedding=32, hidden=32, dropout=0.4)`:
#
# 1. embedding as before, with `padding_idx=0`, and dropout on the vectors;
# 2. `Conv1d` from `embedding` to `embedding` channels, kernel (*núcleo*) of 3 and `padding=1`, and ReLU. Its input is `(n, channels, words)`: transpose before and after;
# 3. LSTM from `embedding` to `hidden`, up to each review's last word;
# 4. linear layer from `hidden` to 32, ReLU, dropout, and linear layer from 32 to 1.
#
# It returns logits `(n,)`. What reaches the convolution from the padding is zero, as beyond the edge, thanks to `padding_idx=0`; add nothing before it. So a review's logit does not depend on whom it shares the batch with.

# %% id="conv_lstm" nbgrader={"grade": false, "grade_id": "conv_lstm", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ConvLSTM(nn.Module):
    """es: Un logit por reseña: convolución, LSTM y capa densa."""
    """en: One logit per review: convolution, LSTM and dense layer."""

    def __init__(self, vocabulary_size=200, embedding=32, hidden=32, dropout=0.4):
        super().__init__()
        ### BEGIN SOLUTION
        self.embedding = nn.Embedding(vocabulary_size, embedding, padding_idx=0)
        self.dropout = nn.Dropout(dropout)
        self.convolution = nn.Conv1d(embedding, embedding, 3, padding=1)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.dense = nn.Linear(hidden, 32)
        self.output = nn.Linear(32, 1)
        ### END SOLUTION

    def forward(self, tokens, lengths):
        ### BEGIN SOLUTION
        words = self.dropout(self.embedding(tokens)).transpose(1, 2)  # (n, embedding, words)
        features = F.relu(self.convolution(words)).transpose(1, 2)
        packed = pack_padded_sequence(features, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, (state, _) = self.lstm(packed)
        return self.output(self.dropout(F.relu(self.dense(state[-1])))).squeeze(1)
        ### END SOLUTION

# %% id="conv_lstm_check" nbgrader={"grade": true, "grade_id": "conv_lstm_check", "locked": true, "points": 9, "schema_version": 3, "solution": false, "task": false}
with lab.marks("conv_lstm", points=9) as checks:
    checks.network_structure(
        "conv_lstm.structure",
        ConvLSTM,
        inputs=lab.supplied_sequences(200),
        output_shape=("n",),
        parameters=19_041,
        points=2,
    )
    small_conv = partial(ConvLSTM, 30, 6, 5)
    checks.network_output("conv_lstm.logits", small_conv, inputs=lab.supplied_sequences(30), points=3)
    checks.sequences.padding("conv_lstm.padding", small_conv, vocabulary=30, points=2)
    checks.dropout("conv_lstm.dropout", small_conv, inputs=lab.supplied_sequences(30), points=2)
checks.score

# %% [markdown] id="combined-text-es" tags=["lang-es"]
# Se entrena como la LSTM, pero con un dropout de 0.2 en lugar de 0.4: es una diferencia más entre las dos redes, y limita lo que se puede concluir al compararlas.

# %% [markdown] id="combined-text-en" tags=["lang-en"]
# It is trained like the LSTM, but with a dropout of 0.2 in place of 0.4: one more difference between the two networks, which limits what comparing them can tell.

# %% id="combined" tags=["raises-exception"]
torch.manual_seed(0)
combined = ConvLSTM(VOCABULARY_SIZE, dropout=0.2).to(device)
combined_history, _ = trained(combined, num_epochs)
show_losses(combined_history, "Convolución, LSTM y capa densa")  # es
show_losses(combined_history, "Convolution, LSTM and dense layer")  # en

# %% [markdown] id="test-text-es" tags=["lang-es"]
# ## 9. La prueba, una vez
#
# Los cuatro modelos se miden ahora con la prueba, que ninguno ha visto. Una exactitud medida con 1 000 reseñas lleva su intervalo del 95 % (Wilson, 1927). El intervalo no incluye la suerte de la semilla: con una sola, una diferencia pequeña no prueba nada.

# %% [markdown] id="test-text-en" tags=["lang-en"]
# ## 9. The test set, once
#
# The four models now meet the test set, which none of them has seen. An accuracy measured with 1,000 reviews comes with its 95 % interval (Wilson, 1927). The interval leaves out the luck of the seed: with a single one, a small difference proves nothing.

# %% id="test-results" tags=["raises-exception"]
names = ["contar palabras", "LSTM sin dropout", "LSTM con curas", "convolución y LSTM"]  # es
names = ["counting words", "LSTM without dropout", "LSTM with cures", "convolution and LSTM"]  # en
final = [counted[1](test), *(evaluate(model, batches_of("test", test))[1] for model in (plain, cured, combined))]
results = {}
for name, accuracy in zip(names, final, strict=True):
    ends = binomtest(round(accuracy * len(test)), len(test)).proportion_ci(method="wilson")
    results[name] = (accuracy, ends.low, ends.high)
    print(f"{name:<22}{accuracy:.3f}")
intervals(results, title="Exactitud en la prueba", xlabel="exactitud")  # es
intervals(results, title="Accuracy on the test set", xlabel="accuracy")  # en

# %% [markdown] id="kinds-text-es" tags=["lang-es"]
# ¿Dónde se equivoca? Con la gramática se pueden escribir reseñas nuevas de una sola clase: sin etiquetas equivocadas, con una concesión en cada frase o con una negación en cada cláusula.

# %% [markdown] id="kinds-text-en" tags=["lang-en"]
# Where is it wrong? With the grammar one can write new reviews of one kind only: without wrong labels, with a concession in each sentence, or with a denial in each clause.

# %% id="kinds" tags=["raises-exception"]
LANGUAGE = "es"  # es
LANGUAGE = "en"  # en
kinds = {
    "etiquetas correctas": GrammarSettings(noise=0.0),  # es
    "right labels": GrammarSettings(noise=0.0),  # en
    "siempre concesión": GrammarSettings(noise=0.0, contrast=1.0),  # es
    "always a concession": GrammarSettings(noise=0.0, contrast=1.0),  # en
    "siempre negación": GrammarSettings(noise=0.0, denied=1.0),  # es
    "always a denial": GrammarSettings(noise=0.0, denied=1.0),  # en
}
count = budget(cpu=600, cuda=600, grading=40, device=device)
by_kind = {}
for kind, settings in kinds.items():
    texts, answers = written_reviews(count, LANGUAGE, seed=1, settings=settings)
    tokens, lengths = collate([encode(words_of(text), vocabulary) for text in texts])
    whole = [(tokens.to(device), lengths.to(device), torch.tensor(answers, device=device))]
    by_kind[kind] = [evaluate(model, whole)[1] for model in (plain, cured, combined)]
table(names[1:], [[f"{value:.3f}" for value in row] for row in by_kind.values()], names=list(by_kind))

# %% [markdown] id="test-after-es" tags=["lang-es"]
# Las tres redes que leen en orden dejan muy atrás al recuento, y las curas valen la pena: el intervalo de la LSTM con ellas queda por encima del de la misma red sin dropout. **Esta prueba no ve ventaja para la combinación**: más capas y más parámetros no son por sí mismos un modelo mejor.
#
# Con etiquetas correctas la LSTM con curas acierta más del 90 % de la mezcla habitual: buena parte de sus «errores» en la prueba eran de las etiquetas. Lo más difícil son las negaciones, y ahí la combinación es la peor de las tres, aunque su convolución ve tres palabras seguidas.
#
# Las reseñas de verdad son otra cosa: largas, irónicas, con decenas de miles de palabras. El original de este laboratorio, una práctica de Keras con IMDb, cuenta que su exactitud de validación pasó con curas parecidas de apenas un 80 % a más de un 87 %.

# %% [markdown] id="test-after-en" tags=["lang-en"]
# The three networks that read in order leave counting far behind, and the cures are worth their while: the interval of the LSTM with them lies above that of the same network without dropout. **This test sees no advantage for the combination**: more layers and more parameters do not by themselves make a better model.
#
# With right labels the LSTM with cures is right about more than 90 % of the usual mixture: a good part of its “errors” on the test set were the labels' own. Hardest are the denials, and there the combination is the worst of the three, although its convolution sees three neighbouring words.
#
# Real reviews are another matter: long, ironic, with tens of thousands of words. The original of this lab, a Keras assignment with IMDb, tells that with similar cures its validation accuracy went from barely 80 % to more than 87 %.

# %% id="claim-test" tags=["active-py", "claim"]
# of: test-after
# es: Las tres redes que leen en orden dejan muy atrás al recuento, y las curas valen la pena: el intervalo de la LSTM con ellas queda por encima del de la misma red sin dropout.
# en: The three networks that read in order leave counting far behind, and the cures are worth their while: the interval of the LSTM with them lies above that of the same network without dropout.
# es: **Esta prueba no ve ventaja para la combinación**: …
# en: **This test sees no advantage for the combination**: …
# es: Con etiquetas correctas la LSTM con curas acierta más del 90 % de la mezcla habitual: buena parte de sus «errores» en la prueba eran de las etiquetas.
# en: With right labels the LSTM with cures is right about more than 90 % of the usual mixture: a good part of its “errors” on the test set were the labels' own.
# es: Lo más difícil son las negaciones, y ahí la combinación es la peor de las tres, aunque su convolución ve tres palabras seguidas.
# en: Hardest are the denials, and there the combination is the worst of the three, although its convolution sees three neighbouring words.
assert min(final[1:]) > final[0] + 0.1
assert results[names[2]][1] > results[names[1]][2]
assert results[names[3]][1] < results[names[2]][0]
mixed, conceded, denied = by_kind.values()
assert mixed[1] > max(0.9, final[2] + 0.05)
assert all(min(mixed[k], conceded[k]) > denied[k] for k in range(3)) and denied[2] == min(denied)

# %% [markdown] id="question-curves-text-es" tags=["lang-es"]
# ## 10. Preguntas abiertas (30 puntos)
#
# Estas respuestas las lee y califica una persona. Escribe con tus palabras, en dos a cinco frases cada una.
#
# **Pregunta 1 (8 puntos).** Describe tus curvas sin dropout. ¿En qué época empieza el sobreajuste y en qué se ve? ¿Por qué sube la pérdida de validación mientras su exactitud casi no cambia?

# %% [markdown] id="question-curves-text-en" tags=["lang-en"]
# ## 10. Open questions (30 marks)
#
# These answers are read and marked by a person. Write in your own words, two to five sentences each.
#
# **Question 1 (8 marks).** Describe your curves without dropout. In which epoch does overfitting begin, and what shows it? Why does the validation loss rise while its accuracy hardly changes?

# %% [markdown] id="question_curves" nbgrader={"grade": true, "grade_id": "question_curves", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Al principio bajan las dos pérdidas, y a mitad del entrenamiento, tras la época que marca la línea, la de validación empieza a subir mientras la de entrenamiento sigue bajando: ahí empieza el sobreajuste. La exactitud de entrenamiento supera el 90 % que permiten las etiquetas, así que la red ha memorizado también las equivocadas. La exactitud solo mira de qué lado del 0 cae el logit; la pérdida, además, con cuánta seguridad. Al memorizar, los logits crecen y cada error de validación, aunque no haya más, cuesta más.
# es: Guía: 2 puntos por describir ambas curvas, 2 por la época y la separación de las curvas, 2 por la memorización (el techo del 90 % o las etiquetas equivocadas) y 2 por seguridad frente a acierto.
# en: At first both losses fall, and halfway through the training, after the epoch that the line marks, the validation loss begins to rise while the training loss goes on falling: there overfitting begins. The training accuracy passes the 90 % that the labels allow, so the network has memorised the wrong ones too. Accuracy only looks at the side of 0 on which the logit falls; the loss also at how confidently. As the network memorises, logits grow, and each validation error costs more, even if there are no more of them.
# en: Guide: 2 marks for describing both curves, 2 for the epoch and the gap, 2 for memorising (the 90 % ceiling or the wrong labels) and 2 for confidence as opposed to being right.
# ### END SOLUTION

# %% [markdown] id="question-dropout-text-es" tags=["lang-es"]
# **Pregunta 2 (7 puntos).** ¿Qué cambia el dropout en las curvas y por qué ayuda? ¿Por qué no usar 0.8? ¿Qué aportan la tasa que baja y la parada temprana que el dropout no dé?

# %% [markdown] id="question-dropout-text-en" tags=["lang-en"]
# **Question 2 (7 marks).** What does dropout change in the curves, and why does it help? Why not use 0.8? What do the falling rate and early stopping add that dropout does not give?

# %% [markdown] id="question_dropout" nbgrader={"grade": true, "grade_id": "question_dropout", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Las curvas de entrenamiento y validación quedan juntas y la de validación no vuelve a subir, a cambio de aprender más despacio. Al apagar neuronas al azar, ninguna puede contar con otra concreta, y memorizar una reseña por una combinación rara de rasgos deja de servir. Con 0.8 quedaría la quinta parte de cada vector y del estado: se perdería hasta la palabra que niega, y la red no aprendería lo que sí está en los textos (subajuste). La tasa que baja calma los últimos pasos (aquí, después de la mejor época), y la parada temprana ahorra épocas y se queda con la mejor; ninguna de las dos impide que la red memorice si se la deja seguir.
# es: Guía: 2 puntos por las curvas, 2 por la razón del dropout, 1 por el 0.8 y 2 por lo que aportan las otras dos.
# en: The curves of training and validation stay together and the validation one does not rise again, at the price of slower learning. With units switched off at random, none can rely on a particular other one, and memorising a review by a rare combination of features no longer serves. With 0.8 a fifth of each vector and of the state would be left: even the word that denies would get lost, and the network would not learn what is in the texts (underfitting). The falling rate calms the last steps (here, after the best epoch), and early stopping saves epochs and keeps the best one; neither keeps the network from memorising if it is left to go on.
# en: Guide: 2 marks for the curves, 2 for why dropout works, 1 for the 0.8 and 2 for what the other two add.
# ### END SOLUTION

# %% [markdown] id="question-combination-text-es" tags=["lang-es"]
# **Pregunta 3 (8 puntos).** ¿Por qué se combinan convolución, LSTM y capas densas: qué aporta cada una? ¿Qué dicen tus medidas de esa combinación, y qué **no** permiten concluir?

# %% [markdown] id="question-combination-text-en" tags=["lang-en"]
# **Question 3 (8 marks).** Why are convolution, LSTM and dense layers combined: what does each bring? What do your measurements say of that combination, and what do they **not** allow you to conclude?

# %% [markdown] id="question_combination" nbgrader={"grade": true, "grade_id": "question_combination", "locked": false, "points": 8, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: La convolución reconoce giros de pocas palabras estén donde estén, la LSTM los ordena y recuerda a lo largo de la reseña, y las capas densas deciden. En la prueba la combinación no queda por encima de la LSTM con curas, aunque tiene más parámetros, y en las negaciones, donde más podría servir, es la peor de las tres. No se concluye que la combinación sea peor en general: es una semilla, con un dropout distinto en cada red y con textos cortos de una gramática; en reseñas largas, acortar la secuencia con convoluciones podría valer la pena.
# es: Guía: 3 puntos por el papel de cada parte, 3 por leer las medidas con sus intervalos (o la tabla por clases) y 2 por los límites (una semilla, otro dropout, otros textos).
# en: The convolution recognises turns of a few words wherever they stand, the LSTM puts them in order and remembers them along the review, and the dense layers decide. On the test set the combination is not above the LSTM with cures, although it has more parameters, and for denials, where it might serve most, it is the worst of the three. It does not follow that the combination is worse in general: this is one seed, with another dropout in each network and with short texts of a grammar; for long reviews, shortening the sequence by convolutions might be worth it.
# en: Guide: 3 marks for what each part does, 3 for reading the measurements with their intervals (or the table by kinds) and 2 for the limits (one seed, another dropout, other texts).
# ### END SOLUTION

# %% [markdown] id="question-improve-text-es" tags=["lang-es"]
# **Pregunta 4 (7 puntos, hasta diez frases).** Intenta mejorar `SentimentLSTM` en una celda nueva: dos cambios, cada uno con su hipótesis. Elige con la validación, sin volver a abrir la prueba. Cuenta qué salió, también lo que no funcionó. ¿Por qué la prueba se mira una sola vez?

# %% [markdown] id="question-improve-text-en" tags=["lang-en"]
# **Question 4 (7 marks, up to ten sentences).** Try to improve `SentimentLSTM` in a new cell: two changes, each with its hypothesis. Choose with the validation part, without opening the test set again. Tell what came out, also what did not work. Why is the test set looked at only once?

# %% [markdown] id="question_improve" nbgrader={"grade": true, "grade_id": "question_improve", "locked": false, "points": 7, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# es: Hipótesis 1: leer en ambos sentidos (`bidirectional=True`) ayuda, porque «aunque» puede venir después de lo que de verdad se afirma. Hipótesis 2: un estado de 64 retiene más. En una corrida de cada una, con las mismas curas y la misma semilla, la menor pérdida de validación fue de 0.38 y de 0.39; la de la red de partida, de 0.38. Ninguna la baja más de lo que la mueve otra semilla: no cuentan como mejora, y así se dice. Si se probara cada variante con la prueba y se anunciara la mejor, su número estaría inflado: se habría elegido también por su suerte con esas mil reseñas, y ya no diría cómo irá con otras.
# es: Guía: 2 puntos por hipótesis que expliquen los cambios, 2 por resultados con sus fracasos, 1 por elegir con la validación y 2 por la razón de la prueba única.
# en: Hypothesis 1: reading both ways (`bidirectional=True`) helps, since “although” may come after what is really said. Hypothesis 2: a state of 64 holds more. In one run of each, with the same cures and the same seed, the least validation loss was 0.38 and 0.39; that of the network to begin with, 0.38. Neither lowers it by more than another seed moves it: they do not count as improvements, and one says so. If every variant were tried on the test set and the best announced, its number would be inflated: it would have been chosen for its luck with those thousand reviews too, and would no longer tell how it does with others.
# en: Guide: 2 marks for hypotheses that explain the changes, 2 for results with failures, 1 for choosing with the validation part and 2 for why the test set is used once.
# ### END SOLUTION

# %% [markdown] id="summary-text-es" tags=["lang-es"]
# ## Resumen
#
# - El vocabulario sale del entrenamiento; 0 es relleno y 1 lo desconocido.
# - Cuenta el estado de la última **palabra**, no el de la última columna: el error no avisa.
# - `eval()` y sin gradientes para medir; medias sobre todas las reseñas, no sobre los lotes.
# - Sobreajuste: la pérdida de validación sube mientras la de entrenamiento baja.
# - Dropout, tasa que baja y parada temprana con copia del mejor estado.
# - Más capas no garantizan un modelo mejor: se elige con la validación, y la prueba, abierta una vez, dice cuánto vale lo elegido.
#
# **Para seguir explorando (sin puntos).** Pon `aclImdb` en `COURSE_DATA` y repite los apartados 1 a 9 con reseñas reales (el techo del 90 % y la tabla por clases son de la gramática). ¿Y con una GRU? ¿Y si el vocabulario tiene 50 palabras?

# %% [markdown] id="summary-text-en" tags=["lang-en"]
# ## Summary
#
# - The vocabulary comes from the training set; 0 is padding and 1 what is unknown.
# - The state of the last **word** counts, not that of the last column: the mistake gives no warning.
# - `eval()` and no gradients to measure; means over all reviews, not over batches.
# - Overfitting: the validation loss rises while the training loss falls.
# - Dropout, a rate that falls and early stopping with a copy of the best state.
# - More layers do not guarantee a better model: choose with the validation part; the test set, opened once, tells how good the choice is.
#
# **To explore further (no marks).** Put `aclImdb` into `COURSE_DATA` and repeat sections 1 to 9 with real reviews (the ceiling of 90 % and the table by kinds belong to the grammar). What about a GRU? And a vocabulary of 50 words?

# %% [markdown] id="references-es" tags=["lang-es"]
# ## Referencias
#
# - Wilson, E. B. (1927). *Probable Inference, the Law of Succession, and Statistical Inference*. Journal of the American Statistical Association 22, 209–212.
# - Hochreiter, S., Schmidhuber, J. (1997). *Long Short-Term Memory*. Neural Computation 9, 1735–1780.
# - Prechelt, L. (1998). *Automatic Early Stopping Using Cross Validation: Quantifying the Criteria*. Neural Networks 11, 761–767.
# - Gers, F. A., Schmidhuber, J., Cummins, F. (2000). *Learning to Forget: Continual Prediction with LSTM*. Neural Computation 12, 2451–2471.
# - Maas, A. L. et al. (2011). *Learning Word Vectors for Sentiment Analysis*. Proceedings of the Annual Meeting of the Association for Computational Linguistics 49, 142–150.
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Zhou, C. et al. (2015). *A C-LSTM Neural Network for Text Classification*. [arXiv:1511.08630](https://arxiv.org/abs/1511.08630).

# %% [markdown] id="references-en" tags=["lang-en"]
# ## References
#
# - Wilson, E. B. (1927). *Probable Inference, the Law of Succession, and Statistical Inference*. Journal of the American Statistical Association 22, 209–212.
# - Hochreiter, S., Schmidhuber, J. (1997). *Long Short-Term Memory*. Neural Computation 9, 1735–1780.
# - Prechelt, L. (1998). *Automatic Early Stopping Using Cross Validation: Quantifying the Criteria*. Neural Networks 11, 761–767.
# - Gers, F. A., Schmidhuber, J., Cummins, F. (2000). *Learning to Forget: Continual Prediction with LSTM*. Neural Computation 12, 2451–2471.
# - Maas, A. L. et al. (2011). *Learning Word Vectors for Sentiment Analysis*. Proceedings of the Annual Meeting of the Association for Computational Linguistics 49, 142–150.
# - Srivastava, N. et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*. Journal of Machine Learning Research 15, 1929–1958.
# - Kingma, D. P., Ba, J. (2015). *Adam: A Method for Stochastic Optimization*. [arXiv:1412.6980](https://arxiv.org/abs/1412.6980).
# - Zhou, C. et al. (2015). *A C-LSTM Neural Network for Text Classification*. [arXiv:1511.08630](https://arxiv.org/abs/1511.08630).

# %% id="summary"
lab.summary()
