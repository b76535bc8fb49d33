"""Faults of messages as a study states them."""

from equigrid.experiments.spec.study_spec import Messages
from equigrid.markets.messaging.faults import Faults
from equigrid.scenarios.seeds import stream


def faults_of(said: Messages, seed: int, case: str) -> Faults:
    """What happens to messages in a case; each case has luck of its own."""
    return Faults(
        loss=said.loss,
        delay_rounds=said.delay_rounds,
        duplicate=said.duplicate,
        silent={party.name: party.after_round for party in said.silent},
        seed=int(stream(seed, f"{case}/messages").integers(2**63)),
    )
