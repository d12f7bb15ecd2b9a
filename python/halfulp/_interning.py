"""The lock under which formats and codecs are made, so that equal ones are one object."""

import os
import threading

interning = threading.RLock()

# A thread may hold the lock when another forks; the child would then wait for it for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=interning.acquire, after_in_parent=interning.release, after_in_child=interning.release)
