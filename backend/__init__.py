"""The scoring service: answers predictions over HTTP from model folders."""

import os

# Before numpy is loaded: its linear algebra would start a thread for every core of the machine,
# which a service that leaves all arithmetic to onnxruntime never uses.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
# Idle threads must not spin on cores that the next request needs.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
