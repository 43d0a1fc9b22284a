"""Processes of one machine that share a batch talk over its loopback alone.

PyTorch would listen on every interface, without a password: whoever reaches the port may read
weights or write them. Over several machines that can't be helped; docs/scaling.md says so.
"""

import os
import socket
import sys
from datetime import timedelta

from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.strategies import DDPStrategy
from torch import distributed

from harness.foundation.errors import HarnessError

_LOOPBACK = "127.0.0.1"
_PATIENCE = timedelta(minutes=30)


class OneMachineStrategy(DDPStrategy):
    """Fabric's strategy of processes that share a batch, started by the command itself."""

    def setup_environment(self) -> None:
        """Meet the other processes; they run already."""
        environment = self.cluster_environment
        if isinstance(environment, LightningEnvironment) and not distributed.is_initialized():
            interface = "lo0" if sys.platform == "darwin" else "lo"
            os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = interface
            rank = environment.node_rank() * self.num_processes + environment.local_rank()
            distributed.init_process_group(
                self._get_process_group_backend(),
                store=_store(environment.main_port, rank, self.num_processes),
                rank=rank,
                world_size=self.num_processes,
                timeout=_PATIENCE,
            )
        super().setup_environment()


def _store(port: int, rank: int, processes: int) -> distributed.TCPStore:
    """Return the store by which processes find each other; the first one keeps it."""
    if rank > 0:
        return distributed.TCPStore(_LOOPBACK, port, processes, False, _PATIENCE)
    listening = socket.socket()
    listening.bind((_LOOPBACK, port))
    listening.listen()
    return distributed.TCPStore(
        *(_LOOPBACK, port, processes, True, _PATIENCE), master_listen_fd=listening.detach()
    )


def require_address() -> None:
    """Raise unless something says where the first of several machines is.

    torchrun and SLURM do; a default would listen to the whole network.

    Raises:
        HarnessError: nothing does.
    """
    if "MASTER_ADDR" not in os.environ and "SLURM_JOB_ID" not in os.environ:
        raise HarnessError(
            "several machines need the address of the first one, in a network that nobody else "
            "reaches: start with torchrun or SLURM, or set MASTER_ADDR (docs/scaling.md)"
        )
