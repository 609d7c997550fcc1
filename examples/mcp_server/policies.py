"""Who may call which tool. Nothing in here knows of MCP or of HTTP."""

from zerotrust import Bearer, Issuer, Policy

READ, WRITE = "notes:read", "notes:write"


class Policies:
    """The policies of one server.

    Args:
        issuer: who issues its tokens.
        resource: its own URL, and so the audience that its tokens must have (RFC 8707): one for another server, or
            for some API behind this one, is refused.
    """

    def __init__(self, issuer: str, resource: str) -> None:
        # A user, an agent, and one service more that the agent asked: no longer chain of delegation is believed.
        self.token = token = Bearer(Issuer(issuer), audience=resource, max_actors=2)

        # What every request needs, the listing of tools too; clients ask for it when they first sign in.
        self.connect: Policy = token.scope(READ).named("can connect")

        # An agent may look at the notes of its user. To change them takes the user's own client, or the one service
        # that may act for users, and that directly: not because an agent asked it to.
        may_change = token.direct | (token.actor("importer") & token.depth(at_most=1))
        self.tools: dict[str, Policy] = {
            "list_notes": token.scope(READ).named("can read notes"),
            "add_note": (token.scope(READ, WRITE) & may_change).named("can write notes"),
        }
