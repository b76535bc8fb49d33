"""The shell of a party in a world: a Mesa agent that keeps the party's own mail, and no other.

It does not act: parties answer in processes that methods start on the mailroom's clock.
"""

import mesa

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
