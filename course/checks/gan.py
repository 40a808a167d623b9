"""Adversarial training: its steps, a whole run, its optimisers and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.checks.base import WRONG
from autograder.checks.calling import call
from autograder.checks.family import Family
from autograder.checks.tensors import require_tuple
from autograder.messages import Message, add_texts
from autograder.replay import Replay
from course.checks.checkpoints import CheckpointChecks
from course.checks.gan_networks import GANSupplies, small_discriminator, small_generator
from course.checks.gan_step import GanStepChecks
from course.checks.gan_training import GANTrainingChecks
from course.checks.optimizers import AdamSettings, describe_wrong_optimizer, movements, require_owner

TEXTS = add_texts(__package__, "gan")
# Of all checks of the course.
add_texts(__package__, "labels")


class GANChecks(CheckpointChecks):
    """Checks of adversarial training."""

    def gan_step(
        self,
        function: Callable[..., Any],
        *,
        updates: str,
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        separate_passes: bool = False,
    ) -> GanStepChecks:
        """Prepare the checks of one training step of a GAN.

        Args:
            function: the student's step.
            updates: the network that the step trains: "discriminator" or "generator".
            latent_shape: of a latent vector.
            sample_shape: of a sample.
            separate_passes: whether real and generated samples go through the discriminator apart; the
                step then returns mean outputs beside its loss.

        Returns:
            The checks `loss`, `update`, `zero_grad`, `isolation`, and with separate passes `scores`.
        """
        return GanStepChecks(self, function, updates, latent_shape, sample_shape, separate_passes)

    def gan_training(
        self,
        function: Callable[..., Any],
        *,
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
    ) -> GANTrainingChecks:
        """Prepare the checks of a whole training run of a GAN.

        Args:
            function: the student's `train`.
            latent_shape: of a latent vector.
            sample_shape: of a sample.

        Returns:
            The checks `steps`, `optimizers` and `final_losses` of one run of the student's `train`.
        """
        return GANTrainingChecks(self, function, latent_shape, sample_shape)

    def optimizers(
        self,
        name: str,
        function: Callable[..., Any],
        *,
        lr: float,
        betas: tuple[float, float],
        latent_shape: tuple[int, ...],
        sample_shape: tuple[int, ...],
        points: float,
    ) -> bool:
        """Check the two Adam optimisers that a function makes of a discriminator and a generator.

        Args:
            name: the stable name of the check.
            function: the student's function; called with (discriminator, generator), it returns the
                optimiser of each.
            lr: the learning rate asked for.
            betas: the decay rates asked for.
            latent_shape: of a latent vector.
            sample_shape: of a sample.
            points: the marks that the check is worth.
        """
        expected = AdamSettings(lr, betas)
        seen: dict[str, Any] = {}

        def compute(running: Replay) -> torch.Tensor:
            networks = {
                "discriminator": small_discriminator(sample_shape, running),
                "generator": small_generator(latent_shape, sample_shape, running),
            }
            returned = call(function, tuple(networks.values()), running)
            seen.update(require_tuple(returned, list(networks)))
            for network, optimizer in seen.items():
                require_owner(network, optimizer, networks, expected)
            return movements(networks, seen, running)

        def diagnose(_: torch.Tensor) -> Message:
            return describe_wrong_optimizer(seen, expected) or WRONG

        return self.run_array(name, points, compute, diagnose)


FAMILY = Family(GANChecks, GANSupplies)
