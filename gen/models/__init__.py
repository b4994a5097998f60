"""The recurrent networks, in torch. Importing this package alone loads no torch: `initialization` needs none."""
