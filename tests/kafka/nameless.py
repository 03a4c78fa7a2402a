"""A supervisor whose worker has no name in the group: after each start it is somebody new.

    python -m tests.kafka.nameless worker --kafka B …

The group then learns of a death by the session's end alone, as with any consumer that is not a static member.
"""

import os
import sys

from app.supervisor import Supervisor

if __name__ == "__main__":
    sys.exit(Supervisor([sys.executable, "-m", "app.cli", *sys.argv[1:], "--unsupervised"], os.environ).run())
