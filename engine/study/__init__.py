"""The claims of Modality Forcing tried at desk scale: ``python -m engine.study``, told in docs/study.md."""
