"""What MPI-INF-3DHP holds: its sequences, cameras, scenes, activities and joints.

Facts: P-STMO, common/utils_3dhp.py, common/data_to_npz_3dhp.py and 3dhp_test; the names of the
activities are those of the data set's own mpii_get_activity_name.m.
"""

from harness.body.skeleton import H36M_16, H36M_17, MPI_INF_3DHP_17, Skeleton

SUBJECTS = ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8")
TEST_SEQUENCES = ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6")
CAMERAS = (0, 1, 2, 4, 5, 6, 7, 8)
"""The cameras that the field trains on, of 14."""

SCENES = {
    "TS1": "Green screen",
    "TS2": "Green screen",
    "TS3": "Studio",
    "TS4": "Studio",
    "TS5": "Outdoor",
    "TS6": "Outdoor",
}
ACTIVITIES = (
    "",
    "Standing/Walking",
    "Exercising",
    "Sitting",
    "Reaching/Crouching",
    "On The Floor",
    "Sports",
    "Miscellaneous",
)
"""The activity classes by the number that the files give them; 0 is none."""

VALID_FRAMES = {"TS1": 603, "TS2": 540, "TS3": 505, "TS4": 553, "TS5": 276, "TS6": 452}

# Frames used from the first on, and frames a second.
TRAINING_SEQUENCES = {
    ("S1", "Seq1"): (6416, 25),
    ("S1", "Seq2"): (12430, 50),
    ("S2", "Seq1"): (6502, 25),
    ("S2", "Seq2"): (6081, 25),
    ("S3", "Seq1"): (12488, 50),
    ("S3", "Seq2"): (12283, 50),
    ("S4", "Seq1"): (6171, 25),
    ("S4", "Seq2"): (6675, 25),
    ("S5", "Seq1"): (12820, 50),
    ("S5", "Seq2"): (12312, 50),
    ("S6", "Seq1"): (6188, 25),
    ("S6", "Seq2"): (6145, 25),
    ("S7", "Seq1"): (6239, 25),
    ("S7", "Seq2"): (6320, 25),
    ("S8", "Seq1"): (6468, 25),
    ("S8", "Seq2"): (6054, 25),
}
TEST_FPS = 25
SIZES = {"TS5": (1920, 1080), "TS6": (1920, 1080)}
USUAL_SIZE = (2048, 2048)
KEPT_JOINTS = (7, 5, 14, 15, 16, 9, 10, 11, 23, 24, 25, 18, 19, 20, 4, 3, 6)
"""Where the 17 joints stand among the 28 of training files; test files hold the 17 themselves."""

JOINTS: dict[str, tuple[Skeleton, tuple[int, ...]]] = {
    "mpi_inf_3dhp_17": (MPI_INF_3DHP_17, tuple(range(17))),
    # PoseAug: thorax is the neck, head is the middle of the head.
    "h36m_16": (H36M_16, (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 5, 6, 7, 2, 3, 4)),
    # EvoSkeleton#75: neck/nose is the middle of the head, head is its top.
    "h36m_17": (H36M_17, (14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4)),
}
"""The skeletons it can be told in, and where their joints stand among the 17."""
