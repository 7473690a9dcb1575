"""Tests on emulated Raspberry Pis; `run` is what a person starts."""
