"""Runs a command and says on standard error how much memory it took at most: peak.py COMMAND ARGUMENT..."""
import os
import resource
import subprocess
import sys

status = subprocess.run(sys.argv[1:]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(f"rank {os.environ.get('OMPI_COMM_WORLD_RANK', 0)}: peak memory {peak:.0f} MiB", file=sys.stderr)
sys.exit(status)
