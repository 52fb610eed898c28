"""The zip is built once for all tests of this folder."""

from depthwright.tests.shipping.conftest import extension_zip  # noqa: F401 (a fixture)
