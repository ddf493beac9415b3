"""Why a door closes: one table from a stable word to close code, Guacamole status and a sentence.

Browsers cannot see why a handshake was refused, and Daphne drops close reasons: so the word and the sentence
go in an `error` message first, and the close code says the same in short.
"""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Ending(NamedTuple):
    """Close code (4000–4999 are the application's, RFC 6455 section 7.4.2), Guacamole status, sentence."""

    close_code: int
    status: int
    text: str | Promise


ENDINGS = {
    # The ticket: the words of tickets.TicketRefused.
    "refused": Ending(4400, 0x0301, _("This link into the lab is not valid. Open the page again.")),
    "forged": Ending(4401, 0x0301, _("This link into the lab is not valid. Open the page again.")),
    "late": Ending(4402, 0x0301, _("This link into the lab is too old. Open the page again.")),
    "spent": Ending(4403, 0x0301, _("This link into the lab was used before. Open the page again.")),
    "no-door": Ending(4404, 0x0204, _("There is nothing here.")),
    "another": Ending(4405, 0x0303, _("This link into the lab was made for somebody else. Open the page again.")),
    # What the page said.
    "protocol": Ending(4410, 0x0300, _("The page said something that the gateway does not understand. Reload it.")),
    "too-long": Ending(4411, 0x030D, _("That was too much at once. Paste less, or send it as a file.")),
    "stalled": Ending(4412, 0x0308, _("The page did not keep up with the lab. Connect again.")),
    "silent": Ending(4413, 0x0308, _("The page was silent for too long. Connect again.")),
    "moved": Ending(4414, 0x0209, _("This session goes on in another tab or window.")),
    "looking-off": Ending(4415, 0x0303, _("This site does not let the course team do that in a learner's lab.")),
    # The lab.
    "not-up": Ending(4420, 0x0207, _("Your lab is not up yet.")),
    "asleep": Ending(4421, 0x020B, _("Your lab goes to sleep. Everything is kept as you left it.")),
    "lab-ended": Ending(4422, 0x020B, _("The session in the lab has ended. Connect again for a new one.")),
    "lab-login": Ending(4423, 0x0301, _("The lab refused the login. Reset the lab, or tell your course team.")),
    "lab-unreachable": Ending(4424, 0x0207, _("The lab does not answer. It keeps running; try again in a moment.")),
    "lab-error": Ending(4425, 0x0203, _("The session in the lab broke off. The lab keeps running; connect again.")),
    "host-key": Ending(
        4426,
        0x0207,
        _("The machine that answers is not the one that was there before. Tell your course team."),
    ),
    # The site.
    "guacd": Ending(
        4430, 0x0208, _("The way into the lab is closed at the moment. Your lab keeps running; try again.")
    ),
    "lost": Ending(4431, 0x0208, _("The connection to the lab was lost. Your lab keeps running; connect again.")),
    "reconnect": Ending(4432, 0x0201, _("The gateway restarts. Your lab keeps running; connect again.")),
    "unavailable": Ending(4433, 0x0201, _("The gateway cannot look up your lab at the moment. Try again.")),
    "failed": Ending(
        4434, 0x0200, _("Something went wrong in the gateway. Your lab keeps running; connect again.")
    ),
    "limit": Ending(
        4435, 0x0201, _("There are too many open connections. Close other tabs of the lab, and try again.")
    ),
}

# Guacamole statuses (libguac/guacamole/protocol-types.h) that say more than "it broke off".
OF_STATUS = {
    0x0202: "lab-unreachable",  # upstream timeout
    0x0207: "lab-unreachable",  # upstream not found
    0x0208: "lab-unreachable",  # upstream unavailable
    0x0209: "lab-ended",  # session conflict
    0x020A: "lab-ended",  # session timeout
    0x020B: "lab-ended",  # session closed
    0x0301: "lab-login",  # client unauthorized
    0x0303: "lab-login",  # client forbidden
    0x0308: "silent",  # client timeout
}


class Ended(Exception):
    """The session is over. `word` is one of ENDINGS; `why` is for the log only and holds no secret."""

    def __init__(self, word: str, why: str = "", *, status: int = 0) -> None:
        super().__init__(word)
        self.word = word
        self.why = why
        self.ending = ENDINGS[word]
        self.status = status or self.ending.status


def of_status(status: int, text: str = "") -> Ended:
    """What guacd's `error` means: the end of a session with its own status."""
    return Ended(OF_STATUS.get(status, "lab-error"), f"guacd: {text}", status=status)
