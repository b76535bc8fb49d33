"""The shell keeps a party's own mail and nothing else."""

import mesa

from equigrid.agents.shell import Shell
from equigrid.markets.messaging.messages import Announcement


def test_only_its_own_mail_is_kept_in_order() -> None:
    shell = Shell(mesa.Model(), "disco")
    heard = Announcement(sender="iso", receiver="disco")
    said = Announcement(sender="disco", receiver="site")
    itself = Announcement(sender="disco", receiver="disco", seq=2)
    for message in (heard, said, Announcement(sender="iso", receiver="site"), itself):
        shell.notice(message)
    assert shell.party == "disco"
    assert shell.heard == [heard, itself]
    assert shell.said == [said, itself]
