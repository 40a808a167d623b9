"""The course on generative adversarial networks: what its notebooks use."""
