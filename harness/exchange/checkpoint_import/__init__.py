"""Importers of publicly released checkpoints: their names and layouts become ours."""
