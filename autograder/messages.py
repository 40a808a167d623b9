"""Everything the library says to a student, in Spanish and in English.

A message names what was seen, what was expected where that is no secret, and a next step. Templates are
filled with `str.format`; every entry has one for each of `LANGUAGES`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autograder.language import current_language, spoken

Error = TypeVar("Error", bound=Exception)
# Details that differ from one layout of the code, or one build of PyTorch, to the next.
_NOT_EVIDENCE = ("line", "said")


@dataclass(frozen=True)
class Translated:
    """A text that comes with its translations, such as a hint of an answer key."""

    texts: Mapping[str, str]

    def render(self, language: str) -> str:
        """Return the text in a language; one that has no such translation is answered with all."""
        known = self.texts.get(language) or self.texts.get(spoken(language))
        return known or " / ".join(self.texts.values())


@dataclass(frozen=True)
class Message:
    """One thing to say: the key of its text, and what fills the gaps (perhaps messages)."""

    key: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language; another table makes another kind of message."""
        return TEXTS

    def render(self, language: str) -> str:
        """Return the text in a language, or in English if the library does not speak it."""
        details = {
            name: value.render(language) if isinstance(value, (Message, Translated)) else value
            for name, value in self.details.items()
        }
        return self.texts()[self.key][spoken(language)].format(**details)

    def evidence(self) -> str:
        """Return what the message is about, the same on every machine and for every layout of the code."""
        details = {
            name: value.evidence() if isinstance(value, Message) else _rounded(value)
            for name, value in self.details.items()
            if name not in _NOT_EVIDENCE
        }
        return json.dumps([self.key, details], sort_keys=True, ensure_ascii=False)


def _rounded(value: Any) -> str:
    """Return a detail as text; the last digits of a float differ from machine to machine."""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


class CheckFailed(Exception):  # noqa: N818  (an outcome, not an error of the library)
    """Raised inside a check to end it with a message for the student."""

    def __init__(self, key: str, **details: Any) -> None:
        super().__init__(key)
        self.message = Message(key, details)


def text(key: str, language: str, **details: Any) -> str:
    """Return one text in the given language, with its gaps filled."""
    return Message(key, details).render(language)


def say(key: str, **details: Any) -> str:
    """Return a text in the language of this process, for code that has no session."""
    return text(key, current_language(), **details)


def error_saying(kind: type[Error], message: Message) -> Error:
    """Return an exception whose text is a message in the language of this process.

    Where it leaves a student's code within a check, `faults.explain` says it in the lab's language.
    """
    error = kind(message.render(current_language()))
    error.__dict__["message"] = message
    return error


TEXTS: dict[str, dict[str, str]] = {
    # --- what stands in boxes and tables -----------------------------------------------------------
    "marks": {"es": "puntos", "en": "marks"},
    "section": {"es": "Sección", "en": "Section"},
    "score": {"es": "Puntos", "en": "Marks"},
    "state": {"es": "Estado", "en": "State"},
    "not_run": {"es": "sin ejecutar", "en": "not run"},
    "complete": {"es": "completo", "en": "complete"},
    "partial": {"es": "en parte", "en": "in part"},
    "none": {"es": "pendiente", "en": "to do"},
    "by_hand": {"es": "lo califica una persona", "en": "marked by a person"},
    "auto_total": {"es": "Total automático", "en": "Automatic total"},
    "manual_total": {"es": "Por calificar a mano", "en": "Still to be marked by hand"},
    "summary_title": {"es": "Resumen de {lab}", "en": "Summary of {lab}"},
    "identified": {"es": "entrega de {students}", "en": "handed in by {students}"},
    "unidentified": {
        "es": "falta identificar a quien entrega: completa la celda de identidad",
        "en": "nobody is named yet: complete the identity cell",
    },
    "marks_file_failed": {
        "es": "No se pudo escribir {file} ({error}); el resumen de arriba es válido igualmente.",
        "en": "{file} could not be written ({error}); the summary above is valid all the same.",
    },
    "ok": {"es": "correcto", "en": "correct"},
    "marked_later": {
        "es": "Aquí no se ven puntos: los da la calificación.",
        "en": "No marks are shown here: they are given by the grading run.",
    },
    "observed": {"es": "registrado para la calificación", "en": "recorded for grading"},
    # --- code that does not run --------------------------------------------------------------------
    "not_written": {
        "es": "todavía no hay código aquí. Escribe tu respuesta en la celda de arriba, quita "
        "`raise NotImplementedError()` y ejecútala.",
        "en": "there is no code here yet. Write your answer in the cell above, remove "
        "`raise NotImplementedError()` and run it.",
    },
    "name_missing": {
        "es": "`{name}` no existe todavía. Ejecuta (o completa) la celda que lo define y vuelve a "
        "ejecutar esta.",
        "en": "`{name}` does not exist yet. Run (or complete) the cell that defines it, then run "
        "this one again.",
    },
    "name_overwritten": {
        "es": "Cuidado: esta celda cambió el nombre `{name}`, que es de la biblioteca y hace falta para los "
        "puntos. Usa otro nombre y ejecuta de nuevo el cuaderno desde el comienzo.",
        "en": "Careful: this cell changed the name `{name}`, which is the library's, and marks need it. Use "
        "another name, and run the notebook again from its beginning.",
    },
    "raised": {
        "es": "tu código se detuvo con {error}{line}: {detail}",
        "en": "your code stopped with {error}{line}: {detail}",
    },
    "no_device": {
        "es": "tu código pide un dispositivo que esta máquina no tiene{line} ({said}). Usa la variable "
        "`device` en lugar de escribir uno: así funciona en cualquier máquina.",
        "en": "your code asks for a device that this machine does not have{line} ({said}). Use the "
        "variable `device` in place of one that you write down: then it works on every machine.",
    },
    "no_line": {"es": "", "en": ""},
    "at_line": {"es": " en la línea {number} (`{code}`)", "en": " at line {number} (`{code}`)"},
    # The text of a hint comes from the answer key: see `AnswerKey.hint`.
    "hint": {"es": "{hint}", "en": "{hint}"},
    "same_cause": {
        "es": "la misma causa que arriba.",
        "en": "the same cause as above.",
    },
    # --- values ------------------------------------------------------------------------------------
    "not_callable": {
        "es": "se esperaba una función o una clase y hay un {seen}. Vuelve a definirla con `def` o "
        "`class` y pásala sin llamarla.",
        "en": "a function or a class was expected and this is a {seen}. Define it again with `def` "
        "or `class`, and pass it without calling it.",
    },
    "returned_none": {
        "es": "devuelve None. ¿Falta un `return`?",
        "en": "it returns None. Is a `return` missing?",
    },
    "not_tensor": {
        "es": "devuelve un {seen}; se esperaba un torch.Tensor. {advice}",
        "en": "it returns a {seen}; a torch.Tensor was expected. {advice}",
    },
    "advice_from_list": {
        "es": "Conviértelo con torch.tensor(...) o torch.stack(...).",
        "en": "Convert it with torch.tensor(...) or torch.stack(...).",
    },
    "advice_from_numpy": {
        "es": "Conviértelo con torch.from_numpy(...).",
        "en": "Convert it with torch.from_numpy(...).",
    },
    "advice_none": {"es": "", "en": ""},
    "wrong_shape": {
        "es": "la forma es {seen}; se esperaba {expected}.",
        "en": "the shape is {seen}; {expected} was expected.",
    },
    "not_floating": {
        "es": "el tipo es {seen}; se esperaba un tipo real como torch.float32.",
        "en": "the dtype is {seen}; a floating type such as torch.float32 was expected.",
    },
    "not_finite": {
        "es": "contiene {count} valores NaN o infinitos. Busca una división por cero, un logaritmo "
        "de cero o memoria sin inicializar (torch.empty).",
        "en": "it holds {count} NaN or infinite values. Look for a division by zero, a logarithm of "
        "zero or uninitialised memory (torch.empty).",
    },
    "out_of_range": {
        "es": "los valores van de {low:.4g} a {high:.4g}; deberían estar entre {expected_low:.4g} y "
        "{expected_high:.4g}.",
        "en": "the values run from {low:.4g} to {high:.4g}; they should lie between "
        "{expected_low:.4g} and {expected_high:.4g}.",
    },
    "has_gradient": {
        "es": "el resultado todavía pertenece al grafo de gradientes. Usa torch.no_grad() o .detach().",
        "en": "the result still belongs to the gradient graph. Use torch.no_grad() or .detach().",
    },
    "wrong_values": {
        "es": "la forma es correcta, pero los valores no son los esperados (van de {low:.4g} a "
        "{high:.4g}, media {mean:.4g}). Compara tu fórmula con el enunciado.",
        "en": "the shape is right, but the values are not those expected (they run from {low:.4g} to "
        "{high:.4g}, mean {mean:.4g}). Compare your formula with the text.",
    },
    "wrong_scalar": {
        "es": "el valor no es el esperado. Compara tu cálculo con el enunciado.",
        "en": "the value is not the one expected. Compare your calculation with the text.",
    },
    "not_scalar": {
        "es": "se esperaba un número y hay {seen}.",
        "en": "a number was expected and this is {seen}.",
    },
    "not_text": {
        "es": "se esperaba un texto entre comillas y hay un {seen}.",
        "en": "a text in quotes was expected and this is a {seen}.",
    },
    "empty_text": {
        "es": "la respuesta está vacía.",
        "en": "the answer is empty.",
    },
    "wrong_text": {
        "es": "la respuesta «{seen}» no es la esperada. Vuelve a leer la sección.",
        "en": "the answer “{seen}” is not the one expected. Read the section again.",
    },
    # --- identity ----------------------------------------------------------------------------------
    "identity_id": {
        "es": '`{name}` debe ser tu identificación, un texto como "20123"; ahora es {seen}.',
        "en": '`{name}` must be your student id, a text such as "20123"; now it is {seen}.',
    },
    "identity_signature": {
        "es": "`{name}` debe ser el nombre, escrito, de quien declara que el trabajo es propio; ahora "
        "es {seen}.",
        "en": "`{name}` must be the typed name of the person who declares that the work is their own; "
        "now it is {seen}.",
    },
    "identity_twice": {
        "es": "las dos identificaciones son iguales. Si trabajas a solas, deja vacías la segunda "
        "identificación y la segunda firma.",
        "en": "both ids are the same. If you work alone, leave the second id and signature empty.",
    },
    # --- data sets ---------------------------------------------------------------------------------
    "not_dataset": {
        "es": "devuelve un {seen}; se esperaba una lista (u otro conjunto con len e índices) de pares "
        "(fila, etiqueta).",
        "en": "it returns a {seen}; a list (or another data set with len and indices) of pairs "
        "(row, label) was expected.",
    },
    "dataset_length": {
        "es": "hay {seen} elementos; se esperaban {expected}, uno por fila.",
        "en": "there are {seen} items; {expected} were expected, one per row.",
    },
    "dataset_item": {
        "es": "el elemento {index} es un {seen}; se esperaba un par (fila, etiqueta).",
        "en": "item {index} is a {seen}; a pair (row, label) was expected.",
    },
    "dataset_row": {
        "es": "la fila del elemento {index} tiene forma {seen}; se esperaba {expected}.",
        "en": "the row of item {index} has shape {seen}; {expected} was expected.",
    },
    "dataset_rows_differ": {
        "es": "los pares no contienen las filas recibidas, en orden y una vez cada una.",
        "en": "the pairs do not hold the rows received, in order and once each.",
    },
    # --- networks ----------------------------------------------------------------------------------
    "instance_not_class": {
        "es": "se esperaba la clase `{name}` y hay un objeto ya construido. Vuelve a ejecutar la celda "
        "que define la clase y no asignes a ese nombre.",
        "en": "the class `{name}` was expected and this is an object already built. Run the cell that "
        "defines the class again, and do not assign to that name.",
    },
    "not_module": {
        "es": "al construirla se obtiene un {seen}; se esperaba un nn.Module. ¿Hereda de nn.Module?",
        "en": "building it gives a {seen}; an nn.Module was expected. Does it inherit from nn.Module?",
    },
    "no_forward": {
        "es": "la red no tiene un método `forward`. Revisa su nombre y su sangría: va dentro de la "
        "clase y fuera de `__init__`.",
        "en": "the network has no `forward` method. Check its name and indentation: it belongs inside "
        "the class and outside `__init__`.",
    },
    "wrong_parameters": {
        "es": "la red tiene {seen} parámetros; se esperaban {expected}. Capas con pesos en el orden de "
        "uso: {layers}.",
        "en": "the network has {seen} parameters; {expected} were expected. Layers with weights in "
        "order of use: {layers}.",
    },
    "wrong_structure": {
        "es": "el número de parámetros es correcto, pero las capas no tienen las formas pedidas, en "
        "el orden en que se usan.",
        "en": "the number of parameters is right, but the layers do not have the shapes asked for, in "
        "the order in which they are used.",
    },
    "unused_parameters": {
        "es": "{count} tensores de parámetros no se usan en `forward`. ¿Falta llamar a alguna capa?",
        "en": "{count} parameter tensors are not used in `forward`. Is a layer never called?",
    },
    "gradient_cut": {
        "es": "a {count} tensores de parámetros no llega ningún gradiente, así que no se entrenan. ¿Hay un "
        "`torch.no_grad()` o `.detach()` en la red?",
        "en": "no gradient reaches {count} parameter tensors, so they are not trained. Is there a "
        "`torch.no_grad()` or `.detach()` in the network?",
    },
    "layer_missing": {
        "es": "la clase no tiene la capa `{name}`, y lo que sigue la usa con ese nombre.",
        "en": "the class has no layer `{name}`, and what follows uses it by that name.",
    },
    "wrong_output": {
        "es": "con pesos fijados por la biblioteca, la salida no es la esperada. "
        "Operaciones que se vieron: {operations}. Compáralas con el enunciado, en orden.",
        "en": "with weights set by the library, the output is not the one expected. "
        "Operations seen: {operations}. Compare them with the text, in order.",
    },
    "dropout_inactive": {
        "es": "en modo train la salida no cambia de una llamada a otra: no hay dropout activo.",
        "en": "in train mode the output does not change from call to call: no dropout is active.",
    },
    "dropout_in_eval": {
        "es": "en modo eval la salida cambia de una llamada a otra: el dropout sigue activo. Usa "
        "nn.Dropout, o F.dropout(..., training=self.training).",
        "en": "in eval mode the output changes from call to call: dropout stays active. Use "
        "nn.Dropout, or F.dropout(..., training=self.training).",
    },
    "wrong_dropout": {
        "es": "hay dropout, pero no como se pide. Se vio: {operations}. Revisa la probabilidad y tras "
        "qué capas va.",
        "en": "there is dropout, but not as asked. Seen: {operations}. Check its probability and which "
        "layers it follows.",
    },
    # --- training steps ----------------------------------------------------------------------------
    "loss_not_scalar": {
        "es": "la función debe devolver la pérdida como un solo número; devuelve {seen}.",
        "en": "the function must return the loss as one number; it returns {seen}.",
    },
    "loss_not_called": {
        "es": "no se usó `loss_function`. Calcula la pérdida con ella, de salida y etiquetas.",
        "en": "`loss_function` was not used. Compute the loss with it, from output and labels.",
    },
    "labels_swapped": {
        "es": "las etiquetas están intercambiadas: lo real lleva {real:.3g} y lo generado {fake:.3g}. "
        "Para el discriminador, lo real es 1 y lo generado 0.",
        "en": "the labels are swapped: real samples have {real:.3g} and generated ones {fake:.3g}. "
        "For the discriminator, real is 1 and generated is 0.",
    },
    "labels_wrong": {
        "es": "la pérdida vio {ones} etiquetas 1, {zeros} etiquetas 0 y {other} de otro valor; con un "
        "lote de {batch} se esperaban {expected_ones} y {expected_zeros}.",
        "en": "the loss saw {ones} labels of 1, {zeros} of 0 and {other} of another value; with a "
        "batch of {batch}, {expected_ones} and {expected_zeros} were expected.",
    },
    "generator_labels": {
        "es": "el generador quiere que el discriminador diga «real»: sus etiquetas deben ser 1, y la "
        "pérdida vio {ones} unos y {zeros} ceros.",
        "en": "the generator wants the discriminator to say “real”: its labels must be 1, and the "
        "loss saw {ones} ones and {zeros} zeros.",
    },
    "wrong_loss": {
        "es": "la pérdida devuelta no es la esperada, aunque las etiquetas son correctas. Revisa que "
        "sea la media de todas las muestras y de qué distribución salen los vectores latentes.",
        "en": "the loss returned is not the one expected, although the labels are right. Check that it "
        "is the mean over all samples, and which distribution the latent samples come from.",
    },
    "wrong_loss_sum": {
        "es": "la pérdida devuelta no es la esperada, aunque las etiquetas son correctas. Es la suma "
        "de dos medias: "
        "la de las muestras reales y la de las generadas, cada una en su propia pasada.",
        "en": "the loss returned is not the one expected, although the labels are right. It is the sum "
        "of two means: "
        "that of the real samples and that of the generated ones, each in a pass of its own.",
    },
    "wrong_scores": {
        "es": "la pérdida se devuelve bien, pero las medias de las salidas del discriminador no son "
        "las esperadas.",
        "en": "the loss is returned as it should be, but the mean outputs of the discriminator are not "
        "the ones "
        "expected.",
    },
    "wrong_tuple": {
        "es": "la función debe devolver {count} cosas: {names}. Devuelve {seen}.",
        "en": "the function must return {count} things: {names}. It returns {seen}.",
    },
    "not_moved": {
        "es": "los parámetros del {network} no cambiaron. ¿Faltan `backward()` o `step()`?",
        "en": "the parameters of the {network} did not change. Is `backward()` or `step()` missing?",
    },
    "moved_wrong": {
        "es": "los parámetros del {network} cambiaron, pero no por el gradiente de la pérdida pedida.",
        "en": "the parameters of the {network} changed, but not by the gradient of the loss asked for.",
    },
    "step_differs": {
        "es": "aquí el fallo no son los gradientes de antes ni la otra red: el paso no mueve el {network} "
        "como se pide. Corrige primero lo anterior: muestras, una sola pérdida, `backward()`, `step()`.",
        "en": "neither old gradients nor the other network are the trouble here: the step does not move the "
        "{network} as asked. Mend what stands above first: samples, one loss, `backward()`, `step()`.",
    },
    "other_moved": {
        "es": "este paso también cambió los parámetros del {network}; solo debe moverse el {trained}.",
        "en": "this step changed the parameters of the {network} too; only the {trained} may move.",
    },
    "gradients_kept": {
        "es": "los gradientes de antes se sumaron a los nuevos. Llama a `zero_grad()` al comienzo del "
        "paso, antes de `backward()`.",
        "en": "old gradients were added to the new ones. Call `zero_grad()` at the start of the step, "
        "before `backward()`.",
    },
    "gradient_leaked": {
        "es": "la pérdida del {network} también llenó los gradientes del generador. Separa las "
        "muestras generadas con `.detach()`.",
        "en": "the loss of the {network} filled the generator's gradients too. Cut the generated "
        "samples off with `.detach()`.",
    },
    # --- modes, weights, checkpoints -----------------------------------------------------------------
    "mode_changed": {
        "es": "la red llegó en modo train y quedó en modo eval: el entrenamiento seguiría sin dropout "
        "y sin las "
        "estadísticas del lote. Guarda `training` al comienzo y vuelve a él con `train(...)`.",
        "en": "the network came in train mode and was left in eval mode: training would go on without "
        "dropout and "
        "without the statistics of the batch. Keep `training` at the start and go back to it with "
        "`train(...)`.",
    },
    "initialisation_unchanged": {
        "es": "los pesos de {layers} quedaron como estaban. ¿Reconoce la función esas capas, y cambia "
        "los pesos "
        "en su lugar, con una función de `nn.init` que termina en `_`?",
        "en": "the weights of {layers} stayed as they were. Does the function recognise those layers, "
        "and change the "
        "weights in place, with a function of `nn.init` that ends in `_`?",
    },
    "wrong_initialisation": {
        "es": "los pesos de {layers} no son los esperados: su media es {mean:.3g} y su desviación {std:.3g}.",
        "en": "the weights of {layers} are not the ones expected: their mean is {mean:.3g} and their "
        "deviation "
        "{std:.3g}.",
    },
    "layers_convolutions": {"es": "las convoluciones", "en": "the convolutions"},
    "layers_batch_norms": {
        "es": "la normalización por lotes (escala y sesgo)",
        "en": "batch normalisation (gain and bias)",
    },
    "checkpoint_missing": {
        "es": "no hay ningún archivo en `path` después de guardar. Usa `torch.save(..., path)`.",
        "en": "there is no file at `path` after saving. Use `torch.save(..., path)`.",
    },
    "checkpoint_in_memory": {
        "es": "el entrenamiento solo vuelve en el proceso que lo guardó: una parte quedó en memoria y no en "
        "el archivo. Guarda en el archivo todo lo que `load_checkpoint` necesita (`torch.save`).",
        "en": "the training comes back in the process that saved it and in no other: a part of it stayed in "
        "memory and is not in the file. Save in the file all that `load_checkpoint` needs (`torch.save`).",
    },
    "witness_ended": {
        "es": "el proceso nuevo en que se llamó a tu función terminó de golpe.",
        "en": "the new process in which your function was called ended abruptly.",
    },
    "checkpoint_epoch": {
        "es": "se guardó la época {expected:.0f} y al cargar se devolvió {seen:g}.",
        "en": "epoch {expected:.0f} was saved, and loading returned {seen:g}.",
    },
    "checkpoint_stage": {
        "es": "se guardó la etapa {expected:.0f} y al cargar se devolvió {seen:g}.",
        "en": "stage {expected:.0f} was saved, and loading returned {seen:g}.",
    },
    "checkpoint_differs": {
        "es": "el entrenamiento no sigue donde quedó: no se recuperó {part}.",
        "en": "training does not go on where it stopped: {part} did not come back.",
    },
    "checkpoint_parameters": {
        "es": "los parámetros de las redes, tal como estaban al guardar",
        "en": "the parameters of the networks, as they were when saved",
    },
    "checkpoint_statistics": {
        "es": "las estadísticas de la normalización por lotes (están en `state_dict()`, no en "
        "`parameters()`)",
        "en": "the statistics of batch normalisation (they are in `state_dict()`, not in `parameters()`)",
    },
    "checkpoint_movement": {
        "es": "la memoria de los optimizadores: Adam guarda medias de los gradientes",
        "en": "the memory of the optimisers: Adam keeps means of the gradients",
    },
    # --- Wasserstein GANs ----------------------------------------------------------------------------
    "loss_detached": {
        "es": "por la pérdida devuelta no pasa ningún gradiente: con ella no se puede entrenar. Devuelve el "
        "tensor, sin `.item()`, `.detach()` ni `torch.no_grad()`.",
        "en": "no gradient flows through the loss returned: nothing can be trained with it. Return the "
        "tensor, without `.item()`, `.detach()` or `torch.no_grad()`.",
    },
    "parameters_unchanged": {
        "es": "los parámetros de la red quedaron como estaban. Cámbialos en su lugar, con funciones que "
        "terminan en `_`, dentro de `torch.no_grad()`.",
        "en": "the parameters of the network stayed as they were. Change them in place, with functions that "
        "end in `_`, within `torch.no_grad()`.",
    },
    "parameters_lost": {
        "es": "después de la llamada, la red ya no tiene los parámetros de antes o no se pueden entrenar. "
        "Cambia sus valores, no los reemplaces.",
        "en": "after the call the network no longer has its parameters, or they cannot be trained. Change "
        "their values, do not replace them.",
    },
    "parameters_differ": {
        "es": "los parámetros cambiaron, pero no como se pide. ¿Los cambia todos, sesgos incluidos?",
        "en": "the parameters changed, but not as asked. Does it change all of them, biases too?",
    },
    "interpolation_varies": {
        "es": "dentro de una misma muestra los números están a distancias distintas entre lo real y lo "
        "generado. El peso es uno por muestra: forma `(n, 1, 1, 1)`.",
        "en": "within one sample the numbers lie at different distances between real and generated. There "
        "is one weight per sample: shape `(n, 1, 1, 1)`.",
    },
    "interpolation_outside": {
        "es": "los pesos van de {low:.3g} a {high:.3g}: hay muestras fuera del segmento entre lo real y lo "
        "generado. El peso es uniforme entre 0 y 1.",
        "en": "the weights run from {low:.3g} to {high:.3g}: some samples lie outside the segment between "
        "real and generated. The weight is uniform between 0 and 1.",
    },
    "interpolation_constant": {
        "es": "todas las muestras de un lote tienen el mismo peso. Sortea uno por muestra.",
        "en": "all samples of a batch have the same weight. Draw one per sample.",
    },
    "interpolation_differs": {
        "es": "las muestras están en el segmento, pero los pesos no son los de un solo `torch.rand` por "
        "lote, uno por muestra.",
        "en": "the samples lie on the segment, but the weights are not those of one `torch.rand` per batch, "
        "one per sample.",
    },
    "penalty_not_scalar": {
        "es": "la penalización debe ser un solo número, la media del lote; su forma es {seen}.",
        "en": "the penalty must be one number, the mean of the batch; its shape is {seen}.",
    },
    "penalty_without_graph": {
        "es": "la penalización no depende de los parámetros del crítico para autograd, así que no entrena "
        "nada. Usa `create_graph=True` en `torch.autograd.grad`.",
        "en": "to autograd the penalty does not depend on the critic's parameters, so it trains nothing. "
        "Use `create_graph=True` in `torch.autograd.grad`.",
    },
    "penalty_fills_gradients": {
        "es": "calcular la penalización dejó gradientes en los parámetros del crítico, que se sumarían a "
        "los del paso. Usa `torch.autograd.grad`, no `backward()`.",
        "en": "computing the penalty left gradients in the critic's parameters, which would be added to "
        "those of the step. Use `torch.autograd.grad`, not `backward()`.",
    },
    "wrong_penalty_value": {
        "es": "el valor de la penalización no es el esperado. En orden: el gradiente por muestra, aplanado; "
        "su norma, una por muestra y sin épsilon; la distancia de cada norma a 1, al cuadrado; la media.",
        "en": "the value of the penalty is not the one expected. In order: the gradient per sample, "
        "flattened; its norm, one per sample and without an epsilon; the distance of each norm from 1, "
        "squared; the mean.",
    },
    "wrong_penalty_gradient": {
        "es": "el gradiente de la penalización respecto a los parámetros del crítico no es el esperado. "
        "¿Es correcto su valor, y ningún paso intermedio está fuera del grafo?",
        "en": "the gradient of the penalty with respect to the critic's parameters is not the one expected. "
        "Is its value right, and no step in between outside the graph?",
    },
    "scores_loss_not_called": {
        "es": "no se usó `loss_function`. Calcula la pérdida con ella, de las puntuaciones del crítico.",
        "en": "`loss_function` was not used. Compute the loss with it, from the critic's scores.",
    },
    "penalty_not_called": {
        "es": "no se usó `penalty_function`. Llámala con el crítico, lo real y lo generado.",
        "en": "`penalty_function` was not used. Call it with the critic, real and generated samples.",
    },
    "wrong_critic_loss": {
        "es": "la pérdida devuelta no es la esperada, aunque se usan las funciones recibidas. Revisa qué "
        "recibe cada una, en qué orden, y cómo se suman.",
        "en": "the loss returned is not the one expected, although the functions received are used. Check "
        "what each of them receives, in which order, and how they are added.",
    },
    "wrong_parts": {
        "es": "la pérdida se devuelve bien, pero sus dos partes no son las esperadas: primero la de "
        "Wasserstein, luego la penalización sin su peso.",
        "en": "the loss is returned as it should be, but its two parts are not the ones expected: first the "
        "Wasserstein loss, then the penalty without its weight.",
    },
    "round_batch": {
        "es": "el paso del crítico recibió un {seen}; se esperaba un lote, con `next(batches)`.",
        "en": "the critic's step received a {seen}; a batch was expected, from `next(batches)`.",
    },
    "wrong_round": {
        "es": "una ronda son {expected} pasos del crítico y después uno del generador; hubo {critic} y "
        "{generator}, o en otro orden.",
        "en": "a round is {expected} steps of the critic and then one of the generator; there were {critic} "
        "and {generator}, or in another order.",
    },
    "round_repeats_batch": {
        "es": "dos pasos del crítico recibieron el mismo lote. Cada uno necesita uno nuevo: `next(batches)`.",
        "en": "two steps of the critic received the same batch. Each needs a new one: `next(batches)`.",
    },
    "round_differs": {
        "es": "los turnos son correctos, pero no lo que reciben los pasos o lo que se devuelve: los tres "
        "números del último paso del crítico y el del generador.",
        "en": "the turns are right, but not what the steps receive or what is returned: the three numbers "
        "of the critic's last step and the generator's.",
    },
    "export_early": {
        "es": "después de la época {epoch} ya hay archivos, y la primera que se exporta es la {first}.",
        "en": "after epoch {epoch} there are files already, and the first one to export is {first}.",
    },
    "export_missing": {
        "es": "falta el archivo `{name}`; en la carpeta hay: {seen}.",
        "en": "the file `{name}` is missing; the folder holds: {seen}.",
    },
    "export_extra": {
        "es": "sobra el archivo `{name}`.",
        "en": "the file `{name}` should not be there.",
    },
    "export_unreadable": {
        "es": "`{name}` no es una imagen que se pueda leer.",
        "en": "`{name}` is no picture that can be read.",
    },
    "export_size": {
        "es": "la imagen de `{name}` es de {seen} píxeles; se esperaban {expected}.",
        "en": "the picture in `{name}` has {seen} pixels; {expected} were expected.",
    },
    "export_pixels": {
        "es": "los archivos están, pero sus píxeles (de {low} a {high}) no son los esperados: -1 es 0, 1 es "
        "255, y se redondea al entero más cercano.",
        "en": "the files are there, but their pixels (from {low} to {high}) are not the ones expected: -1 is "
        "0, 1 is 255, rounded to the nearest integer.",
    },
    # --- progressive growing -------------------------------------------------------------------------
    "convolution_parameters": {
        "es": "los tensores de parámetros tienen {seen} números; se esperaban {expected}: un peso y un "
        "sesgo.",
        "en": "the parameter tensors hold {seen} numbers; {expected} were expected: one weight and one bias.",
    },
    "wrong_equalised_output": {
        "es": "con pesos fijados por la biblioteca, la salida no es la esperada. Revisa la escala: la "
        "ganancia entre el número de entradas de cada salida, con raíz, al peso y no al sesgo, en cada "
        "llamada.",
        "en": "with weights set by the library, the output is not the one expected. Check the scale: the "
        "gain over the number of inputs of each output, under a root, for the weight and not the bias, in "
        "every call.",
    },
    "wrong_equalised_initialisation": {
        "es": "los parámetros del comienzo no son los esperados: pesos normales de media 0 y desviación 1, "
        "sin escalar, y sesgos 0.",
        "en": "the parameters to begin with are not those expected: normal weights of mean 0 and deviation "
        "1, not scaled, and biases of 0.",
    },
    "part_unused": {
        "es": "no se usó `{name}`. Arma la red con las piezas de las celdas anteriores.",
        "en": "`{name}` was not used. Put the network together from the parts of the cells above.",
    },
    "alpha_changed": {
        "es": "se llamó a la red con alpha = {expected:g} y a `{name}` con {seen:g}. Pásale el mismo.",
        "en": "the network was called with alpha = {expected:g} and `{name}` with {seen:g}. Pass the same "
        "one on.",
    },
    "fade_shapes": {
        "es": "`{name}` recibió dos tensores de formas distintas: {old} y {new}.",
        "en": "`{name}` received two tensors of different shapes: {old} and {new}.",
    },
    "unregistered_layers": {
        "es": "{count} capas se usan, pero la red no las conoce: ni se entrenarían ni se guardarían. "
        "Ponlas en `nn.ModuleList` en vez de una lista de Python.",
        "en": "{count} layers are used that the network does not know: they would be neither trained nor "
        "saved. Put them into `nn.ModuleList` instead of a Python list.",
    },
    "wrong_stage_shape": {
        "es": "con steps = {steps} y alpha = {alpha:g} la forma de la salida es {seen}; se esperaba "
        "{expected}.",
        "en": "with steps = {steps} and alpha = {alpha:g} the shape of the output is {seen}; {expected} "
        "was expected.",
    },
    "wrong_stage_output": {
        "es": "las formas son correctas, pero con pesos fijados por la biblioteca la salida no es la "
        "esperada para algún (alpha, steps) de {stages}. Operaciones del último: {operations}. (Las piezas "
        "se sustituyen por otras: un ConvBlock se ve aquí como una sola convolución.)",
        "en": "the shapes are right, but with weights set by the library the output is not the one "
        "expected for some (alpha, steps) of {stages}. Operations of the last: {operations}. (Stand-ins "
        "take the place of the parts: a ConvBlock is seen here as a single convolution.)",
    },
    "average_unchanged": {
        "es": "los parámetros de `average` quedaron como estaban. Cámbialos en su lugar, con una función "
        "que termina en `_`, como `copy_` o `lerp_`.",
        "en": "the parameters of `average` stayed as they were. Change them in place, with a function that "
        "ends in `_`, such as `copy_` or `lerp_`.",
    },
    "average_moved_network": {
        "es": "cambiaron los parámetros de `network`: solo debe moverse `average`.",
        "en": "the parameters of `network` changed: only `average` may move.",
    },
    "wrong_average": {
        "es": "los parámetros de `average` cambiaron, pero no como se pide: conserva la fracción `decay` "
        "de lo que tenía y toma el resto de `network`.",
        "en": "the parameters of `average` changed, but not as asked: it keeps the share `decay` of what "
        "it had and takes the rest from `network`.",
    },
    # --- whole training ----------------------------------------------------------------------------
    "no_history": {
        "es": "`train` debe devolver el historial (LossHistory); devuelve {seen}.",
        "en": "`train` must return the history (LossHistory); it returns {seen}.",
    },
    "wrong_steps": {
        "es": "{epochs} épocas de {batches} lotes son {expected} pasos de cada red; hubo {discriminator} "
        "del discriminador, {generator} del generador y {recorded} en el historial.",
        "en": "{epochs} epochs of {batches} batches make {expected} steps of each network; there were "
        "{discriminator} of the discriminator, {generator} of the generator and {recorded} in the "
        "history.",
    },
    "wrong_turns": {
        "es": "los pasos deben alternarse: uno del discriminador, uno del generador, y así en cada lote.",
        "en": "the steps must take turns: one of the discriminator, one of the generator, in each batch.",
    },
    "wrong_batches": {
        "es": "los lotes no recorren todos los datos una vez por época (tamaños vistos: {sizes}).",
        "en": "the batches do not go through all data once an epoch (sizes seen: {sizes}).",
    },
    "not_shuffled": {
        "es": "los datos llegan en el mismo orden en cada época. Usa shuffle=True.",
        "en": "the data come in the same order in every epoch. Use shuffle=True.",
    },
    "wrong_history": {
        "es": "el historial no guarda las pérdidas que devolvieron los pasos, en orden.",
        "en": "the history does not hold the losses that the steps returned, in order.",
    },
    "wrong_optimizer": {
        "es": "el optimizador del {network} es {seen}; se esperaba {expected}.",
        "en": "the optimiser of the {network} is {seen}; {expected} was expected.",
    },
    "many_optimizers": {
        "es": "hubo {count} optimizadores del {network}. Crea uno solo, antes de los ciclos: Adam recuerda "
        "los gradientes pasados.",
        "en": "there were {count} optimisers of the {network}. Make a single one, before the loops: Adam "
        "remembers past gradients.",
    },
    "wrong_owner": {
        "es": "el optimizador del {network} debe recibir todos los parámetros del {network} y ninguno más; "
        "recibió {own} de sus {total} tensores y {others} ajenos.",
        "en": "the optimiser of the {network} must receive all parameters of the {network} and no others; "
        "it received {own} of its {total} tensors and {others} foreign ones.",
    },
    "wrong_loss_function": {
        "es": "la función de pérdida no es la media de la entropía cruzada binaria (nn.BCELoss()).",
        "en": "the loss function is not the mean of the binary cross-entropy (nn.BCELoss()).",
    },
    "wrong_final_losses": {
        "es": "al final, las redes no están donde las deja un entrenamiento completo con los pasos "
        "recibidos. Revisa optimizadores, tasa de aprendizaje y número de pasos, y que no se creen "
        "otras redes ni se reinicie la semilla dentro del ciclo.",
        "en": "in the end the networks are not where a complete training with the given steps takes "
        "them. Check optimisers, learning rate and number of steps, and that no other networks are "
        "made and no seed is set inside the loop.",
    },
    "discriminator": {"es": "discriminador", "en": "discriminator"},
    "critic": {"es": "crítico", "en": "critic"},
    "generator": {"es": "generador", "en": "generator"},
    "classifier": {"es": "clasificador", "en": "classifier"},
    # --- experiments -----------------------------------------------------------------------------------
    "key_missing": {
        "es": "el diccionario no tiene la clave {name!r}; tiene {seen}.",
        "en": "the dictionary has no key {name!r}; it has {seen}.",
    },
    "not_dictionary": {
        "es": "se esperaba un diccionario y hay {seen}.",
        "en": "a dictionary was expected and this is {seen}.",
    },
    "argument_changed": {
        "es": "la función cambió las imágenes que recibió. Escribe en una copia (`images.clone()`) o en un "
        "tensor nuevo: quien llama las necesita como estaban.",
        "en": "the function changed the pictures it was given. Write to a copy (`images.clone()`) or to a "
        "new tensor: the caller needs them as they were.",
    },
    "split_not_indices": {
        "es": "cada parte debe ser un arreglo de índices enteros de un eje; hay {seen}.",
        "en": "each part must be an array of integer indices with one axis; this is {seen}.",
    },
    "split_outside": {
        "es": "hay índices fuera de 0 … {total} - 1.",
        "en": "there are indices outside 0 … {total} - 1.",
    },
    "split_overlap": {
        "es": "{count} índices están en ambas partes: eso es una fuga. Cada imagen va a una sola.",
        "en": "{count} indices are in both parts: that is a leak. Each picture goes to one only.",
    },
    "split_lost": {
        "es": "{count} índices no están en ninguna de las partes.",
        "en": "{count} indices are in neither part.",
    },
    "split_share": {
        "es": "la parte pequeña tiene {seen} índices y se pedían {expected}. ¿Es la segunda que devuelves?",
        "en": "the smaller part has {seen} indices and {expected} were asked for. Is it the second you "
        "return?",
    },
    "split_unstratified": {
        "es": "la clase 1 ocupa el {first:.1%} de una parte y el {second:.1%} de la otra. Estratificada, la "
        "división le da la misma proporción en ambas: `stratify=labels`.",
        "en": "class 1 takes {first:.1%} of one part and {second:.1%} of the other. A stratified split gives "
        "it the same share of both: `stratify=labels`.",
    },
    "split_differs": {
        "es": "los índices de las partes no son los esperados.",
        "en": "the indices of the parts are not those expected.",
    },
    "split_not_repeatable": {
        "es": "con la misma semilla salen partes distintas: `random_state=seed`.",
        "en": "the same seed gives different parts: `random_state=seed`.",
    },
    "split_without_seed": {
        "es": "con otra semilla salen las mismas partes. ¿Se usa `seed`? ¿Se baraja?",
        "en": "another seed gives the same parts. Is `seed` used? Is anything shuffled?",
    },
    "set_empty": {"es": "no hay ninguna imagen.", "en": "there is no picture."},
    "set_labels": {
        "es": "hay {images} imágenes y las etiquetas tienen forma {labels}: una por imagen.",
        "en": "there are {images} pictures and the labels have shape {labels}: one per picture.",
    },
    "set_label_type": {
        "es": "las etiquetas son {seen}; deben ser enteros (int64), como las recibidas.",
        "en": "the labels are {seen}; they must be integers (int64), like those received.",
    },
    "set_differs": {
        "es": "no son las imágenes, o no con las etiquetas, con que debe entrenar este brazo.",
        "en": "these are not the pictures, or not with the labels, that this arm must train with.",
    },
    "augmentation_idle": {
        "es": "ninguna imagen cambió. ¿Devuelves el resultado?",
        "en": "no picture changed. Do you return the result?",
    },
    "augmentation_differs": {
        "es": "la forma es correcta, pero los píxeles no son los esperados. Revisa: un sorteo por imagen, el "
        "eje del reflejo, el orden de los desplazamientos, y que no se fije una semilla.",
        "en": "the shape is right, but the pixels are not those expected. Look at: one draw per picture, the "
        "axis of the mirror, the order of the shifts, and that no seed is set.",
    },
    "no_method": {
        "es": "la clase no tiene el método `{name}`.",
        "en": "the class has no method `{name}`.",
    },
    "ways_differ": {
        "es": "{first} y {second} no dan lo mismo con las mismas imágenes y los mismos pesos.",
        "en": "{first} and {second} do not give the same for the same pictures and weights.",
    },
    "penalty_argument": {
        "es": "la penalización recibió como {name}: {seen}. Pásale `classifier.dense.weight`, "
        "`classifier.dense.bias` y las activaciones que devuelve `classifier.hidden`.",
        "en": "the penalty received as {name}: {seen}. Pass it `classifier.dense.weight`, "
        "`classifier.dense.bias` and the activations that `classifier.hidden` returns.",
    },
    "classifier_penalty_unused": {
        "es": "el paso no llama a `penalty`: la pérdida que se deriva es la suma de entropía cruzada y "
        "penalización.",
        "en": "the step does not call `penalty`: the loss that is differentiated is the sum of cross-entropy "
        "and penalty.",
    },
    "classifier_loss": {
        "es": "la entropía cruzada que se devuelve no es la esperada. Va sin la penalización, como número, y "
        "`F.cross_entropy` recibe logits, no probabilidades.",
        "en": "the cross-entropy that is returned is not the one expected. It goes without the penalty, as a "
        "number, and `F.cross_entropy` takes logits, not probabilities.",
    },
    "classifier_step_differs": {
        "es": "la dirección en que se mueve el clasificador no es la esperada. ¿La penalización forma parte "
        "de la pérdida?",
        "en": "the direction in which the classifier moves is not the one expected. Is the penalty part of "
        "the loss?",
    },
    "classifier_not_called": {
        "es": "no se llama al clasificador.",
        "en": "the classifier is not called.",
    },
    "step_in_eval_mode": {
        "es": "el clasificador llegó en modo eval y el paso no lo puso a entrenar: `classifier.train()`.",
        "en": "the classifier came in eval mode and the step did not make it train: `classifier.train()`.",
    },
    "prediction_differs": {
        "es": "las probabilidades no son las esperadas: la de la clase 1 («tumor»), con un softmax, sobre "
        "las clases.",
        "en": "the probabilities are not those expected: that of class 1 (“tumour”), with one softmax, over "
        "the classes.",
    },
    "prediction_in_train_mode": {
        "es": "el clasificador llegó en modo train y así predijo: `classifier.eval()`. Con dropout y "
        "normalización por lotes, lo que se predice de una imagen dependería del azar y de las demás.",
        "en": "the classifier came in train mode and predicted so: `classifier.eval()`. With dropout and "
        "batch normalisation, what is predicted of a picture would depend on chance and on the others.",
    },
    "fit_turns": {
        "es": "hubo {seen} épocas de entrenamiento y se pedían {expected}, cada una seguida de una "
        "validación.",
        "en": "there were {seen} epochs of training and {expected} were asked for, each followed by one "
        "validation.",
    },
    "fit_scores": {
        "es": "se esperaba la lista de las {expected} puntuaciones de validación; hay {seen}.",
        "en": "the list of the {expected} validation scores was expected; this is {seen}.",
    },
    "wrong_fit_scores": {
        "es": "las puntuaciones no son las de las validaciones, en su orden.",
        "en": "the scores are not those of the validations, in their order.",
    },
    "wrong_fit_state": {
        "es": "el clasificador no termina como estaba en la mejor época. Un `state_dict` no es una copia: "
        "sus tensores siguen cambiando (`copy.deepcopy`). De las mejores vale la primera.",
        "en": "the classifier does not end as it was in the best epoch. A `state_dict` is no copy: its "
        "tensors go on changing (`copy.deepcopy`). Of equally good epochs the first counts.",
    },
    # --- the names of jhwutils and lautils -------------------------------------------------------------
    "number_is_nan": {
        "es": "uno de los números es NaN: ninguna comparación con NaN se cumple.",
        "en": "one of the numbers is NaN: no comparison with NaN holds.",
    },
    "array_empty": {"es": "el arreglo está vacío.", "en": "the array is empty."},
    "array_shape_differs": {
        "es": "la forma {seen} no es la esperada.",
        "en": "the shape {seen} is not the one expected.",
    },
    "array_hash_differs": {
        "es": "la forma {shape} es la esperada, los valores no.",
        "en": "the shape {shape} is the one expected, the values are not.",
    },
    "scalar_hash_differs": {
        "es": "el número {seen} no es el esperado.",
        "en": "the number {seen} is not the one expected.",
    },
    "answer_differs": {
        "es": "la respuesta no es la esperada.",
        "en": "the answer is not the one expected.",
    },
    "tick_failed": {"es": "La comprobación falló", "en": "Test failed"},
    "tick_failed_at": {
        "es": "no se cumple la comprobación de la línea {number}.",
        "en": "the check at line {number} does not hold.",
    },
    "not_numbers": {
        "es": "se esperaban números reales y hay {seen}.",
        "en": "real numbers were expected and this is {seen}.",
    },
    "not_a_number": {
        "es": "se esperaba un número, no {seen}",
        "en": "one number was expected, not {seen}",
    },
    "not_hexadecimal": {
        "es": "se esperaba un número como texto hexadecimal, no {seen}",
        "en": "a number as hexadecimal text was expected, not {seen}",
    },
    "no_operator": {
        "es": "no existe el operador {seen}: elige uno de {known}",
        "en": "there is no operator {seen}: choose one of {known}",
    },
    "lengths_differ": {
        "es": "las listas tienen {first} y {second} elementos.",
        "en": "the lists have {first} and {second} elements.",
    },
    "prestige": {"es": "¡Punto de prestigio!", "en": "Prestige mark achieved!"},
    "no_marks_yet": {
        "es": "Todavía no hay puntos: ejecuta primero las celdas de comprobación.",
        "en": "There are no marks yet: run the check cells first.",
    },
}
