"""JSON from outside: read, or refused in one way, whatever it is."""

import pytest
from depthwright.engine.contract import outside

SHAPE = {"name": str, "sizes": [int], "more?": {str: {"share": float}}}


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "sizes": []}',
        '{"name": "a", "sizes": [1, 2], "more": null, "other": [[]]}',
        '{"name": "a", "sizes": [1], "more": {"x": {"share": 1}, "y": {"share": 0.5}}}',
    ],
)
def test_what_fits_is_read(text):
    assert outside.parse(text, SHAPE)["name"] == "a"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        (b"\xff\xfe{", "codec"),
        ("[" * 200_000, "nested"),
        ('{"a":' * 200_000, "nested"),
        ("[" * 40 + "]" * 40, "nested"),
        ("9" * 10_000, "digits"),
        ("[]", "should be an object"),
        ('{"sizes": []}', "'name'"),
        ('{"name": 3, "sizes": []}', "it.name is 3"),
        ('{"name": "a", "sizes": [true]}', "it.sizes[0] is True"),
        ('{"name": "a", "sizes": [1e30]}', "whole number"),
        ('{"name": "a", "sizes": [99999999999999999999]}', "whole number"),
        ('{"name": "a", "sizes": 1}', "a list"),
        ('{"name": "a", "sizes": [], "more": {"x": 3}}', "it.more.x is 3"),
        ('{"name": "a", "sizes": [], "more": {"x": {"share": Infinity}}}', "a number"),
        ('{"name": "a", "sizes": [], "more": {"x": {"share": NaN}}}', "a number"),
    ],
)
def test_what_does_not_is_malformed_and_says_where(text, why):
    with pytest.raises(outside.Malformed) as error:
        outside.parse(text, SHAPE)
    assert why in str(error.value)


def test_size_comes_before_content(tmp_path):
    (tmp_path / "big.json").write_text(" " * 2000)
    with pytest.raises(outside.Malformed, match="bytes"):
        outside.read(tmp_path / "big.json", max_bytes=1000)


def test_a_name_twice_can_be_refused():
    assert outside.parse('{"a": 1, "a": 2}') == {"a": 2}
    with pytest.raises(outside.Malformed, match="twice"):
        outside.parse('{"a": 1, "a": 2}', twice=False)
