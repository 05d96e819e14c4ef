"""No secret leaves in an error."""

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.venues.ccxt.redaction import LENGTH_MAX, redact, redacted

PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIabcdefghijk/+lmno\n-----END EC PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("binance POST https://api.x/v3/order?a=1&signature=ab", "binance POST https://api.x/v3/order?***"),
        ("GET http://me:word@proxy:1/x", "GET http://***@proxy:1/x"),
        ("{'X-MBX-APIKEY': 'abc', 'Host': 'x'}", "{'X-MBX-APIKEY': '***', 'Host': 'x'}"),
        ('{"OK-ACCESS-PASSPHRASE":"abc","a":1}', '{"OK-ACCESS-PASSPHRASE":"***","a":1}'),
        ("{'API-Key': 'abc', 'API-Sign': 'd/e+f=='}", "{'API-Key': '***', 'API-Sign': '***'}"),
        ("X-BAPI-SIGN=abc X-BAPI-API-KEY=def", "X-BAPI-SIGN=*** X-BAPI-API-KEY=***"),
        ("{'Authorization': 'Bearer a.b.c'}", "{'Authorization': '***'}"),
        ("nonce=1&signature=abc&price=5", "nonce=1&signature=***&price=5"),
        ("assigned: 5, signal: weak", "assigned: 5, signal: weak"),
        ("Invalid API-key, IP, or permissions for action.", "Invalid API-key, IP, or permissions for action."),
        ('{"code":-1022,"msg":"Signature for this request is not valid."}',) * 2,
    ],
)
def test_signed_addresses_and_headers_are_hidden(text, then):
    assert redact(text) == then


FORMS = {
    "as it is": str,
    "in an address": lambda secret: quote(secret, safe=""),
    "in a form": quote_plus,
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 of addresses, unpadded": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
    "base64 in an address": lambda secret: quote(base64.b64encode(secret.encode()).decode(), safe=""),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(secret=st.text(min_size=8, max_size=80).filter(lambda text: "*" not in text))
def test_a_secret_is_hidden_in_any_form(form, secret):
    assert redact(f"xx {form(secret)} yy", [secret]) in {"xx *** yy", "xx ****** yy"}


def test_a_line_of_a_secret_is_one_too():
    assert "MHcCAQEE" not in redact(f"bad key: {PEM.splitlines()[1]}", [PEM])


def test_a_text_is_bounded_after_secrets_were_hidden():
    text = redact("x" * (LENGTH_MAX - 5) + "the-secret-of-mine", ["the-secret-of-mine"])
    assert len(text) == LENGTH_MAX - 2
    assert len(redact("x" * 1_000_000)) == LENGTH_MAX  # in time that grows with the text, not with its square
    assert redact("y" * LENGTH_MAX * 2, ["y" * LENGTH_MAX]) == "******"


def test_an_error_is_told_with_its_cause():
    error = ValueError("GET https://x/y?key=1")
    error.__cause__ = ConnectionResetError()
    assert redacted(error) == "ValueError (ConnectionResetError): GET https://x/y?***"


def test_a_venue_may_answer_what_no_journal_takes():
    said = redact('binance {"code":-1,"msg":"f\ud83dr"}')
    assert said == 'binance {"code":-1,"msg":"f\\ud83dr"}'
    assert redacted(ValueError("f\udcfcr")) == r"ValueError: f\xfcr"
    assert len(redact("\ud800" * 10_000)) == LENGTH_MAX
