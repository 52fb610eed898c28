"""Published numbers to set beside one's own: AbsRel in %, delta1 in %. Each table has a protocol; never mix two."""

from __future__ import annotations

from dataclasses import dataclass

Numbers = tuple[float, float]  # AbsRel, delta1; both in %


@dataclass(frozen=True)
class Table:
    """source    where the numbers are from
    protocol  how they were measured, in words
    way       the alignment (a key of alignment.WAYS)
    rows      method -> benchmark -> numbers
    """

    source: str
    protocol: str
    way: str
    rows: dict[str, dict[str, Numbers]]


def _rows(benchmarks: str, text: str) -> dict[str, dict[str, Numbers]]:
    """Lines "method: AbsRel/delta1 ..." with one pair for each benchmark, or a dash."""
    found = {}
    for line in text.strip().splitlines():
        method, values = line.split(":")
        pairs = zip(benchmarks.split(), values.split(), strict=True)
        found[method.strip()] = {name: tuple(map(float, pair.split("/"))) for name, pair in pairs if pair != "-"}
    return found


MODALITY_FORCING = Table(
    source="arXiv 2606.13676, table 3",
    protocol="affine-invariant depth; scale and offset by MoGe's ROE; the discriminative methods (ZoeDepth to MoGe-2) "
    "are copied there from the MoGe-2 paper; MF 9B ensembles 10 samples; ScanNet is in its training data",
    way="robust-affine",
    rows=_rows(
        "nyuv2 kitti eth3d scannet diode",
        """
        ZoeDepth: 4.76/97.3 5.59/95.1 7.27/94.2 - 7.80/90.9
        MASt3R: 4.67/96.7 5.79/95.1 4.64/97.0 - 5.79/94.1
        Depth Anything v2: 4.16/97.9 6.77/94.3 4.63/97.2 - 5.41/94.6
        Depth Pro: 3.67/98.2 5.12/96.8 4.97/96.4 - 4.66/95.6
        UniDepth v2: 2.96/98.6 3.85/98.1 2.95/98.5 - 4.05/96.5
        MoGe-2: 2.89/98.6 3.75/98.1 2.80/99.1 - 3.14/97.4
        Marigold: 4.88/96.8 9.05/90.3 4.90/97.2 5.89/95.2 6.13/94.5
        Lotus: 4.31/97.3 8.89/90.1 5.25/96.7 5.01/96.5 6.70/93.8
        GeoWizard: 4.89/96.6 10.97/86.6 6.15/95.3 5.49/95.7 6.37/94.0
        PPD: 3.82/97.7 6.57/95.1 4.02/98.3 4.04/97.8 4.97/95.6
        JointNet: 11.92/86.7 13.74/81.3 12.63/87.1 14.81/81.8 20.02/82.7
        UniCon: 8.75/91.7 18.67/73.0 8.77/92.9 9.23/91.0 13.57/90.8
        JointDiT: 5.12/96.9 10.90/88.4 5.32/97.0 5.76/96.3 10.22/93.9
        Modality Forcing 9B: 2.52/98.9 5.37/96.6 2.37/99.3 2.32/98.9 3.35/97.7
        """,
    ),
)

MERGE = Table(
    source="MERGE, table 1",
    protocol="unified generators; scale and offset by least squares in depth",
    way="affine",
    rows=_rows(
        "nyuv2 scannet diode",
        """
        JointNet: 13.7/81.9 14.7/79.5 -
        UniCon: 7.9/93.9 9.2/91.9 -
        OneDiffusion: 6.8/95.2 - 29.4/75.2
        MERGE-B: 7.5/94.2 9.9/89.8 32.5/74.9
        MERGE-L: 5.9/95.4 7.1/94.0 31.4/76.3
        Marigold: 5.5/96.4 6.4/95.1 30.8/77.3
        GeoWizard: 5.2/96.6 6.1/95.3 29.7/79.2
        Lotus: 5.4/96.8 5.9/95.7 22.9/72.9
        """,
    ),
)

TABLES = (MODALITY_FORCING, MERGE)
