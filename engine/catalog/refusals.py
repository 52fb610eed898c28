"""Why a download failed, and what to do about it: what network, hub and disk may answer, as EngineErrors."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from ..contract.errors import EngineError, ModelError
from . import places
from .parts import Part

FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)  # disk, quota, limit of a file


@contextmanager
def explained(part: Part) -> Iterator[None]:
    """What the network and the disk may answer, as EngineErrors."""
    try:
        yield
    except EngineError:
        raise
    except OfflineModeIsEnabled as error:
        raise _offline() from error
    except GatedRepoError as error:
        raise _gated(part, error) from error
    except (RepositoryNotFoundError, RevisionNotFoundError, RemoteEntryNotFoundError) as error:
        raise _not_published(part, error) from error
    except HfHubHTTPError as error:
        raise _refused(part, error) from error
    except HTTPError as error:  # no answer at all, or one that broke off
        raise ModelError(
            "The connection to the Hugging Face hub failed.",
            "Check the network, then download again: it goes on where it stopped.",
            f"{constants.ENDPOINT}: {type(error).__name__}: {error}",
        ) from error
    except OSError as error:
        if error.errno in FULL:
            raise no_room(0, str(error)) from error
        if error.errno is None:  # huggingface_hub's own: a length that does not match
            raise ModelError(
                "The transfer broke off.", "Download again: it goes on where it stopped.", str(error)
            ) from error
        raise ModelError(
            f"The model cannot be written to '{places.models_dir()}': {error.strerror}.",
            f"See to the rights of that folder, or set another by the variable {places.MODELS_VARIABLE}.",
            str(error),
        ) from error


def _offline() -> ModelError:
    return ModelError(
        "Downloads are switched off: the variable HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set.",
        "Unset it, or bring the files here yourself and import their folder.",
    )


def log_in() -> str:
    """How to become known to the hub, as half a sentence."""
    return (
        f"make a token at {constants.ENDPOINT}/settings/tokens (Read), then run "
        f"'{sys.executable} -m huggingface_hub.cli.hf auth login' once, or set the variable HF_TOKEN"
    )


def _gated(part: Part, error: HfHubHTTPError) -> ModelError:
    page = f"{constants.ENDPOINT}/{part.repository}"
    if error.response.status_code == 401:
        remedy = f"Open {page}, log in and press 'Agree and access repository'; {log_in()}. Then download again."
    else:
        remedy = f"Open {page} with the account you are logged in as, and press 'Agree and access repository'."
    return ModelError(
        f"{part.label} is given only to those who agreed to its terms on its page ({part.repository}).",
        remedy,
        str(error),
    )


def _not_published(part: Part, error: HfHubHTTPError) -> ModelError:
    if isinstance(error, RemoteEntryNotFoundError):
        return ModelError(f"A file of {part.repository} is not there any more.", "Update Depthwright.", str(error))
    return ModelError(
        f"The hub has no {part.repository} that you may see.",
        f"If it is private or asks for consent: {log_in()}. Else update Depthwright: it may have moved.",
        str(error),
    )


def _refused(part: Part, error: HfHubHTTPError) -> ModelError:
    status = error.response.status_code
    if status == 401:
        return ModelError(
            "The hub does not accept your token.", f"It may have run out: {log_in()}.", f"{part.repository}: {error}"
        )
    later = status == 429 or status >= 500
    return ModelError(
        f"The hub refused the download ({status}).",
        "Try again later: it goes on where it stopped." if later else f"See {constants.ENDPOINT}/{part.repository}.",
        str(error),
    )


def no_room(lacking_bytes: int, detail: str) -> ModelError:
    """The error for a disk that is too small; 0 bytes: it is not known by how much."""
    amount = f"about {max(0.1, lacking_bytes / 1e9):.1f} GB" if lacking_bytes > 0 else "room"
    return ModelError(
        f"There is not enough room on the disk for the model: free {amount} in '{places.models_dir()}'.",
        f"Or keep models elsewhere: set it in Depthwright's preferences, or by the variable {places.MODELS_VARIABLE}. "
        "A download that was begun goes on where it stopped.",
        detail,
    )
