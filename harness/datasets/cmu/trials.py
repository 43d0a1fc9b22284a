"""What is done in trials of the CMU database, after its own index (mocap.cs.cmu.edu)."""

UNLABELLED = "Unlabelled"

ACTIONS = {
    "01_01": "Playground-jumps",
    **{f"01_{number:02d}": "Playground-climb" for number in range(2, 15)},
    "02_01": "Walk",
    "02_02": "Walk",
    "02_03": "Jog",
    "02_04": "Jump",
    "02_05": "Punch",
    "02_06": "Scoop",
    "02_07": "Swordplay",
    "02_08": "Swordplay",
    "02_09": "Swordplay",
    "02_10": "Wash",
    **{f"03_{number:02d}": "UnevenWalk" for number in range(1, 5)},
}
"""Action name by trial, after the description in the database's index."""
