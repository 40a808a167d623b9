"""What the course's helpers say to a student, in the language of the notebook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from autograder.language import LANGUAGES, current_language
from autograder.messages import Message, error_saying

Error = TypeVar("Error", bound=Exception)

_TEXTS: dict[str, dict[str, str]] = {
    "unknown_choice": {
        "es": "{name}={seen!r} no existe: elige entre {known}",
        "en": "{name}={seen!r} is unknown: choose one of {known}",
    },
    "skipped": {"es": "; {count} sin leer: {names}", "en": "; {count} skipped: {names}"},
    # --- devices ---------------------------------------------------------------------------------------
    "device_cpu": {"es": "CPU, hilos: {threads}", "en": "CPU, threads: {threads}"},
    "no_such_gpu": {
        "es": "se pidió device={seen!r}, pero PyTorch ve {count} GPU con CUDA. Usa COURSE_DEVICE=auto o "
        "cpu: los puntos son los mismos",
        "en": "device={seen!r} was asked for, but PyTorch sees {count} GPUs with CUDA. Use COURSE_DEVICE="
        "auto or cpu: the marks are the same",
    },
    "backbone_small": {
        "es": "tronco: red pequeña, {features} rasgos",
        "en": "backbone: small network, {features} features",
    },
    "backbone_efficientnet": {
        "es": "tronco: EfficientNet-B3 con pesos de ImageNet, {features} rasgos",
        "en": "backbone: EfficientNet-B3 with weights from ImageNet, {features} features",
    },
    "no_weights": {
        "es": "no hay {file} en COURSE_DATA ni en la caché de torchvision; con conexión, "
        "`torchvision.models.efficientnet_b3(weights='DEFAULT')` lo descarga en ella",
        "en": "there is no {file} in COURSE_DATA or in torchvision's cache; with a connection, "
        "`torchvision.models.efficientnet_b3(weights='DEFAULT')` downloads it there",
    },
    "bad_weights": {
        "es": "{file} no contiene los pesos de EfficientNet-B3 ({error}): bórralo, o elige "
        'make_backbone("small")',
        "en": "{file} does not hold the weights of EfficientNet-B3 ({error}): remove it, or choose "
        'make_backbone("small")',
    },
    # --- digits ----------------------------------------------------------------------------------------
    "digits_mnist": {
        "es": "MNIST, {count} imágenes de {folder}",
        "en": "MNIST, {count} images from {folder}",
    },
    "digits_embedded": {
        "es": "dígitos de scikit-learn, ampliados de 8x8: {count} imágenes",
        "en": "scikit-learn digits, enlarged from 8x8: {count} images",
    },
    "mnist_absent": {
        "es": 'MNIST no está aquí; load_digits("mnist") o COURSE_DATA=<carpeta> lo descargan',
        "en": 'MNIST is not here; load_digits("mnist") or COURSE_DATA=<folder> downloads it',
    },
    "mnist_unusable": {
        "es": "no se puede usar MNIST en {folder}, {what}; borra esa carpeta para descargarlo otra vez",
        "en": "MNIST in {folder} cannot be used, {what}; delete that folder to have it downloaded again",
    },
    "mnist_missing": {"es": "falta {files}", "en": "{files} missing"},
    "mnist_damaged": {"es": "dañado: {error}", "en": "damaged: {error}"},
    "mnist_shapes": {
        "es": "dañado: {pixels} píxeles, {labels} etiquetas",
        "en": "damaged: {pixels} pixels, {labels} labels",
    },
    "mnist_came_damaged": {"es": "MNIST llegó dañado", "en": "MNIST came damaged"},
    "mnist_not_downloaded": {
        "es": "no se pudo descargar MNIST: {error}",
        "en": "MNIST could not be downloaded: {error}",
    },
    # --- brain images ----------------------------------------------------------------------------------
    "brains": {
        "es": "{name}: {no} sin tumor, {yes} con tumor, {size}x{size}",
        "en": "{name}: {no} without a tumour, {yes} with one, {size}x{size}",
    },
    "phantoms": {"es": "fantomas de cerebro dibujados", "en": "drawn brain phantoms"},
    "mri": {"es": "resonancias reales", "en": "real MRI pictures"},
    "copies": {
        "es": "; {count} fuera por ser copias de otra",
        "en": "; {count} left out as copies of another",
    },
    "phantom_arguments": {
        "es": "las cantidades no pueden ser negativas, y el tamaño es 16 o más: no={no}, yes={yes}, "
        "size={size}",
        "en": "counts must not be negative and size at least 16: no={no}, yes={yes}, size={size}",
    },
    "no_brains": {
        "es": "no hay ninguna imagen que se pueda leer en {folder}: {dataset} debe contener las carpetas yes "
        "y no, ambas con imágenes; brain_phantoms() no necesita ninguna",
        "en": "there is no picture that can be read in {folder}: {dataset} must hold the folders yes and no, "
        "with pictures in both; brain_phantoms() needs none",
    },
    # --- generated brain images ------------------------------------------------------------------------
    "generated_course": {
        "es": "imágenes que una WGAN-GP generó para este curso",
        "en": "pictures that a WGAN-GP made for this course",
    },
    "generated_folder": {"es": "imágenes de {folder}/", "en": "pictures in {folder}/"},
    "too_few_generated": {
        "es": "{folder}/ tiene {count} archivos PNG y se necesitan {needed}: ejecuta el laboratorio 4 con "
        'CLASS = "{name}" hasta el final, o mueve {parent}/ a otro lugar para usar las del curso',
        "en": "{folder}/ holds {count} PNG files and {needed} are needed: run lab 4 with "
        'CLASS = "{name}" to its end, or move {parent}/ away to use the set of the course',
    },
    "no_generated": {
        "es": "no hay imágenes generadas: las del curso imitan fantomas dibujados, no otras imágenes. "
        'Ejecuta el laboratorio 4 con estas, una vez con CLASS = "no" y otra con CLASS = "yes", en la '
        "carpeta de este cuaderno",
        "en": "no generated pictures: the set of the course imitates drawn phantoms, no other pictures. "
        'Run lab 4 with these, once with CLASS = "no" and once with CLASS = "yes", in the folder of this '
        "notebook",
    },
    "generated_size": {
        "es": "las imágenes generadas del curso tienen {size}x{size} píxeles: carga así también las de "
        "cerebro",
        "en": "the generated set of the course has {size}x{size} pixels: load the brains so too",
    },
    "generated_count": {
        "es": "el curso tiene {count} imágenes generadas de la clase {name}, no {needed}",
        "en": "the set of the course has {count} of class {name}, not {needed}",
    },
    # --- faces -----------------------------------------------------------------------------------------
    "faces": {"es": "{name}: {count} imágenes, {size}x{size}", "en": "{name}: {count} images, {size}x{size}"},
    "avatars": {"es": "avatares dibujados", "en": "drawn avatars"},
    "faces_folder": {"es": "imágenes de {folder}", "en": "pictures of {folder}"},
    "negative_count": {
        "es": "la cantidad no puede ser negativa: {count}",
        "en": "count must not be negative: {count}",
    },
    "no_faces": {
        "es": "no hay ninguna imagen que se pueda leer en {folder}, de {count} archivos; sin carpeta se "
        "dibujan avatares",
        "en": "there is no picture that can be read in {folder}, {count} files were tried; without a folder, "
        "avatars are drawn",
    },
    # --- batches, curves, figures of quality -----------------------------------------------------------
    "unequal_lengths": {
        "es": "los tensores deben tener una misma longitud, no {seen}",
        "en": "the tensors must have one common length, not {seen}",
    },
    "batch_size": {
        "es": "batch_size debe ser 1 o más, no {seen}",
        "en": "batch_size must be at least 1, not {seen}",
    },
    "curve_names": {
        "es": "record recibe {expected}; se le dio {seen}",
        "en": "record takes {expected}; it was given {seen}",
    },
    "no_curve": {
        "es": "este historial no tiene {seen!r}, solo {known}",
        "en": "this history has no {seen!r}, only {known}",
    },
    "curve_shape": {
        "es": "record: {name} debe ser un número, no un tensor de forma {shape}",
        "en": "record: {name} must be one number, not a tensor of shape {shape}",
    },
    "curve_type": {
        "es": "record: {name} debe ser un número, no {seen}; ¿lo devuelve el paso de entrenamiento?",
        "en": "record: {name} must be one number, not {seen}; does the training step return it?",
    },
    "history": {"es": "{name}({steps} pasos)", "en": "{name}({steps} steps)"},
    "sine_quality": {
        "es": "distancia {distance:.3f}, cobertura {coverage:.0%}",
        "en": "distance {distance:.3f}, coverage {coverage:.0%}",
    },
    "digit_quality": {
        "es": "{classes} de 10 clases, confianza {confidence:.2f}, distancia {distance:.2f}",
        "en": "{classes} of 10 classes, confidence {confidence:.2f}, distance {distance:.2f}",
    },
    "samples_shape": {
        "es": "las muestras deben tener la forma {expected}, no {seen}",
        "en": "samples must have shape {expected}, not {seen}",
    },
    "too_few_digits": {
        "es": "{samples} muestras y {real} dígitos reales: se necesitan al menos 50, y tantos reales como "
        "muestras",
        "en": "{samples} samples and {real} real digits: at least 50 are needed, and as many real ones",
    },
    "unequal_pictures": {
        "es": "se necesitan dos conjuntos de imágenes de una misma forma, ninguno vacío, no {first} "
        "y {second}",
        "en": "two sets of pictures of one shape are needed, neither empty, not {first} and {second}",
    },
    "no_frames": {
        "es": "todavía no hay cuadros: llama a add(muestras, título) durante el entrenamiento",
        "en": "there are no frames yet: call add(samples, title) during the training",
    },
}


class Text(Message):
    """One thing that the course says."""

    @staticmethod
    def texts() -> Mapping[str, Mapping[str, str]]:
        """Return the texts by key and language."""
        return _TEXTS


def say(key: str, **details: Any) -> str:
    """Return a text in the language of the notebook."""
    return Text(key, details).render(current_language())


def in_all_languages(key: str, **details: Any) -> str:
    """Return a text in all languages, for code that runs before a lab is opened."""
    return " / ".join(Text(key, details).render(language) for language in LANGUAGES)


def error(kind: type[Error], key: str, **details: Any) -> Error:
    """Return an exception that speaks the language of the notebook."""
    return error_saying(kind, Text(key, details))


def unknown_choice(name: str, seen: object, known: tuple[str, ...]) -> ValueError:
    """Return what to raise for an argument that is none of a few words."""
    return error(ValueError, "unknown_choice", name=name, seen=seen, known=", ".join(known))
