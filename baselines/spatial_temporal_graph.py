"""The graph over the joints of a few frames that ST-GCN convolves on (Cai et al., section 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PoseGraph:
    """The nodes of one frame.

    Attributes:
        nodes: how many.
        edges: pairs of neighbours.
        mirror_pairs: pairs of mirror images.
        centre: the node that distances are counted from.
    """

    nodes: int
    edges: Sequence[tuple[int, int]]
    mirror_pairs: Sequence[tuple[int, int]]
    centre: int

    def distances(self) -> list[int]:
        """Return each node's number of edges to the centre."""
        neighbours: list[list[int]] = [[] for _ in range(self.nodes)]
        for first, second in self.edges:
            neighbours[first].append(second)
            neighbours[second].append(first)
        distance = {self.centre: 0}
        border = [self.centre]
        for node in border:
            for neighbour in neighbours[node]:
                if neighbour not in distance:
                    distance[neighbour] = distance[node] + 1
                    border.append(neighbour)
        return [distance[node] for node in range(self.nodes)]


@dataclass(frozen=True)
class BodyParts:
    """A skeleton and its division into parts.

    Attributes:
        joints: number of joints.
        edges: bones as index pairs.
        mirror_pairs: (left, right) index pairs.
        centre: the joint that distances are counted from.
        limbs: pairs of a left and a right limb, each the joints of one part.
        torso: the joints of the part that all limbs hang on.
    """

    joints: int
    edges: Sequence[tuple[int, int]]
    mirror_pairs: Sequence[tuple[int, int]]
    centre: int
    limbs: Sequence[tuple[Sequence[int], Sequence[int]]]
    torso: Sequence[int]

    def __post_init__(self) -> None:
        members = sorted(joint for part in self.parts() for joint in part)
        if members != list(range(self.joints)):
            raise ValueError(f"parts must hold each of {self.joints} joints once, found {members}")

    def parts(self) -> list[Sequence[int]]:
        """Return the joints of each part: left and right limbs in turn, the torso last."""
        return [*(limb for pair in self.limbs for limb in pair), self.torso]

    def joint_graph(self) -> PoseGraph:
        """Return the graph of joints."""
        return PoseGraph(self.joints, self.edges, self.mirror_pairs, self.centre)

    def part_graph(self) -> PoseGraph:
        """Return the graph of parts: limbs on the torso, left and right limbs mirror images."""
        torso = 2 * len(self.limbs)
        pairs = [(2 * pair, 2 * pair + 1) for pair in range(len(self.limbs))]
        return PoseGraph(torso + 1, [(limb, torso) for limb in range(torso)], pairs, torso)

    def table(self) -> Tensor:
        """Return (parts, largest part) joints; smaller parts repeat one, as a maximum allows."""
        parts = self.parts()
        largest = max(len(part) for part in parts)
        return torch.tensor([[*part, *[part[-1]] * (largest - len(part))] for part in parts])

    def part_of_joint(self) -> Tensor:
        """Return (joints,) the part of each joint."""
        part_of = {joint: number for number, part in enumerate(self.parts()) for joint in part}
        return torch.tensor([part_of[joint] for joint in range(self.joints)])


def relation_matrices(graph: PoseGraph, frames: int) -> Tensor:
    """Return A, one matrix a relation, of the graph repeated over frames.

    Relations of v to w: v is w itself; its neighbour farther from the centre than w; its neighbour
    nearer; its mirror image; the same node one frame before; one frame after (the last two only
    with several frames). Each column of their sum is divided by its number of entries
    (nets/utils/graph_frames.py, graph_frames_withpool_2.py).

    Args:
        graph: the nodes of one frame.
        frames: how many.

    Returns:
        (4, or 6 with several frames; nodes * frames; nodes * frames), node n of frame t at
        t * nodes + n; A[k, v, w] is from v to w.
    """
    itself = torch.eye(graph.nodes)
    farther, nearer, mirrored = (torch.zeros(graph.nodes, graph.nodes) for _ in range(3))
    distance = graph.distances()
    for pair in graph.edges:
        far, near = sorted(pair, key=lambda node: -distance[node])
        farther[far, near] = nearer[near, far] = 1.0
    for first, second in graph.mirror_pairs:
        mirrored[first, second] = mirrored[second, first] = 1.0
    same_frame = torch.eye(frames)
    relations = [torch.kron(same_frame, matrix) for matrix in (itself, farther, nearer, mirrored)]
    if frames > 1:
        earlier = torch.ones(frames - 1).diag(1)
        later = torch.ones(frames - 1).diag(-1)
        relations += [torch.kron(shift, itself) for shift in (earlier, later)]
    stacked = torch.stack(relations)
    return stacked / stacked.sum(dim=(0, 1))
