"""Public names of what today's transformers share (`baselines.attention`)."""

Names = list[tuple[str, str]]
"""Beginnings of our names, each with the public one in its place."""

H36M_CPN = ("h36m", "h36m_17", "h36m_17", "cpn_ft_h36m_dbb")


def attention_names(ours: str, theirs: str) -> Names:
    """Return the names of an attention."""
    return [(f"{ours}qkv.", f"{theirs}qkv."), (f"{ours}out.", f"{theirs}proj.")]


def mlp_names(ours: str, theirs: str) -> Names:
    """Return the names of an MLP."""
    return [(f"{ours}0.", f"{theirs}fc1."), (f"{ours}2.", f"{theirs}fc2.")]


def block_names(ours: str, theirs: str, axis: str = "") -> Names:
    """Return the names of a transformer block; DSTformer's end in the `axis` it works on."""
    return [
        (f"{ours}attention_norm.", f"{theirs}norm1{axis}."),
        *attention_names(f"{ours}attention.", f"{theirs}attn{axis}."),
        (f"{ours}mlp_norm.", f"{theirs}norm2{axis}."),
        *mlp_names(f"{ours}mlp.", f"{theirs}mlp{axis}."),
    ]
