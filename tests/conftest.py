"""One thread a process: tests share the machine, and threads that wait for each other crawl."""

import os

os.environ["OMP_NUM_THREADS"] = "1"
