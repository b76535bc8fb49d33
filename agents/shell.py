"""The shell of a party in a world: a Mesa agent that keeps the party's own mail, and no other.

It does not act: parties answer in processes that methods start on the mailroom's clock.
"""

import mesa

from equigrid.markets.messaging.mailroom import Mailroom
from equigrid.markets.messaging.messages import Message


class Shell(mesa.Agent):  # type: ignore[misc]
    """The visible side of a party in a world.

    Attributes
    ----------
    party : str
        Its name in games and messages.
    heard, said : list of Message
        Its own mail, in order.
    """

    def __init__(self, model: mesa.Model, party: str) -> None:
        super().__init__(model)
        self.party = party
        self.heard: list[Message] = []
        self.said: list[Message] = []

    def notice(self, message: Message) -> None:
        """Keep a message that the party sent or received."""
        if message.receiver == self.party:
            self.heard.append(message)
        if message.sender == self.party:
            self.said.append(message)


class Shells:
    """The shells of a world, each made when its party is first met.

    Parameters
    ----------
    model : mesa.Model
    mailroom : Mailroom
        Whose messages they notice, as they are sent and as they arrive.
    """

    def __init__(self, model: mesa.Model, mailroom: Mailroom) -> None:
        self._model = model
        self._shells: dict[str, Shell] = {}
        mailroom.watch(self._said)
        mailroom.watch(self._heard, delivered=True)

    def of(self, party: str) -> Shell:
        """Return the shell of a party."""
        if party not in self._shells:
            self._shells[party] = Shell(self._model, party)
        return self._shells[party]

    def _said(self, message: Message) -> None:
        for party in (message.sender, message.receiver):
            self.of(party)  # both are met, even when the message gets lost
        self.of(message.sender).notice(message)

    def _heard(self, message: Message) -> None:
        self.of(message.receiver).notice(message)
