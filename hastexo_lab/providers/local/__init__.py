"""The local provider: the workbench's embedded cloud. A stack is one or more small hosts on this machine.

template.py     what an author may ask for
provider.py     LocalProvider: takes orders and observes
folder.py       a stack's folder, the only truth of it
processes.py    which processes are a stack's; stop, continue and kill them
host.py         the process that is a stack's hosts
confine.py      what that process gives up before it lets anybody in
shell.py        the hosts' SSH servers
desktop.py      their desktops: Xvnc, and xrdp before it
"""

from hastexo_lab.providers.local.provider import LocalProvider

__all__ = ["LocalProvider"]
