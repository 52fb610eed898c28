"""What of this process's environment the worker gets: what it needs, and nothing else.

A farm's environment holds keys of other services, and Blender's bends another Python to Blender's. Standard library
only.
"""

from __future__ import annotations

import os
from pathlib import Path

EXTENSION_ROOT = Path(__file__).resolve().parents[2]

#: Names that are passed on.
NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "USERNAME", "SHELL", "TZ", "LANG", "LANGUAGE"),
        *("TMPDIR", "TEMP", "TMP", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LD_PRELOAD"),
        # Windows
        *("USERPROFILE", "HOMEDRIVE", "HOMEPATH", "APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "PROGRAMFILES"),
        *("PROGRAMFILES(X86)", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "PROCESSOR_ARCHITECTURE"),
        *("NUMBER_OF_PROCESSORS",),
        # the way out, and whom to trust on it
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        # compilers, for torch.compile
        *("CC", "CXX", "CPATH", "LIBRARY_PATH"),
    }
)

#: How names begin that are passed on.
BEGINNINGS = (
    *("LC_", "XDG_", "SSH_", "DEPTHWRIGHT_"),
    *("CUDA_", "NVIDIA_", "NCCL_", "HIP_", "ROCR_", "HSA_", "ROCM_", "AMD_", "ONEAPI_", "SYCL_", "ZE_", "UR_"),
    *("OMP_", "MKL_", "OPENBLAS_", "KMP_", "GOMP_", "PYTORCH_", "TORCH", "TRITON_"),
    *("HF_", "HUGGINGFACE_", "TRANSFORMERS_", "DIFFUSERS_", "SLURM_"),
)

#: Who has them may act as the user at the hub.
TOKENS = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN", "HF_API_TOKEN"})


def worker_env(*, downloads: bool = False) -> dict[str, str]:
    """The worker's whole environment, with the way to engine/.

    downloads  the token of the hub too: for the process that looks after the models' files
    """
    env = {name: value for name, value in os.environ.items() if _is_passed_on(name.upper(), downloads)}
    env["PYTHONPATH"] = str(EXTENSION_ROOT)
    # Threads that wait for each other must sleep, not spin: they share the cores with a busy Blender.
    env.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    env["PYTHONIOENCODING"] = "utf-8:backslashreplace"  # a print must not fail over the log's encoding
    return env


def _is_passed_on(name: str, downloads: bool) -> bool:
    if name in TOKENS:
        return downloads
    return name in NAMES or name.startswith(BEGINNINGS)
