"""A log of requests in the form that web servers use."""

import os
import threading
import time


class AccessLog:
    def __init__(self):
        self.lock = threading.Lock()
        self.path = os.environ.get("TIDE_LOG")

    def write(self, client, line, *values):
        if not self.path:
            return
        status = next((str(value) for value in values[1:2]), "-")
        if not status.isdigit():
            return
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        with self.lock, open(self.path, "a", encoding="utf-8") as log:
            log.write(f'{client} - - [{when}] "{line}" {status} 0 "-" "-"\n')
