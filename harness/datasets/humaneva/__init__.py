"""HumanEva-I."""
