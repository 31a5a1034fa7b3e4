"""Files that are text are compressed for clients that take them so; each encoding is a file of its
own to caches (RFC 9110 sections 8.8.3.3 and 12.5.3).
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.conftest import MakeClient
from tests.support.client import Client

STATIC = Path(__file__).parents[2] / "wsgi_app" / "static"
STYLE = "/static/planado.css"
# Of a browser of 2018, one of today, lynx, and curl --compressed.
COMPRESSED = (
    "gzip, deflate",
    "gzip, deflate, br, zstd",
    "gzip, compress, bzip2",
    "deflate, gzip, br",
)


@pytest.mark.parametrize(
    "accepted",
    [
        *COMPRESSED,
        *("gzip", "GZip", "x-gzip", "*", "gzip;q=0.001", "br ; q=1.0,\tgzip ; Q=0.8"),
        *("gzip, identity;q=0", "*, br;q=0", "*;q=0, gzip", "gzip, identity", ",,gzip,"),
        *("nothing of the kind, gzip", f"{'x' * 494}, gzip"),
    ],
)
def test_a_client_that_takes_gzip_gets_it(client: Client, accepted: str) -> None:
    answer = client.get(STYLE, Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == (STATIC / "planado.css").read_bytes()


@pytest.mark.parametrize(
    "accepted",
    [
        *("", "identity", "br", "deflate", "gzip;q=0", "gzip;q=0.000", "*;q=0", "gzip;q=0, *"),
        *("x-gzip;q=0", "*;q=0, identity;q=0", "gzip;q=0.5, identity", "gzip;q=0.1, *"),
        *("gzipped", "gzip;q=2", "gzip;q=", "gzip;x=1", "gzip deflate", "gzip;q=0.5;q=1"),
        # Longer than what is read: its last range may be cut in two.
        *(f"{'x' * 495}, gzip", "gzip, " * 5000, "gzip;" + " " * 30_000 + "q=1"),
    ],
)
def test_a_client_that_does_not_take_gzip_gets_the_file_as_it_is(
    client: Client, accepted: str
) -> None:
    answer = client.get(STYLE, Accept_Encoding=accepted)
    assert "Content-Encoding" not in answer.headers
    assert answer.body == (STATIC / "planado.css").read_bytes()


def test_a_client_that_names_no_encoding_gets_the_file_as_it_is(client: Client) -> None:
    assert client.get(STYLE).body == (STATIC / "planado.css").read_bytes()


@pytest.mark.parametrize("file", [file.name for file in STATIC.iterdir()])
def test_every_file_of_ours_is_smaller_compressed(client: Client, file: str) -> None:
    plain = client.get(f"/static/{file}")
    compressed = client.get(f"/static/{file}", Accept_Encoding=COMPRESSED[0])
    assert plain.body == (STATIC / file).read_bytes() == gzip.decompress(compressed.body)
    assert len(compressed.body) < 0.6 * len(plain.body)
    assert compressed.headers["Content-Type"] == plain.headers["Content-Type"]


def test_caches_tell_the_encodings_apart(client: Client) -> None:
    plain = client.get(STYLE)
    compressed = client.get(STYLE, Accept_Encoding="gzip")
    assert plain.headers["ETag"] != compressed.headers["ETag"]
    for known in (plain, compressed):
        tag = known.headers["ETag"]
        for accepted, same in {"identity": plain, "gzip": compressed}.items():
            for sent in (tag, f"W/{tag}", f'"other", {tag}'):
                again = client.get(STYLE, Accept_Encoding=accepted, If_None_Match=sent)
                assert again.status == (304 if same is known else 200)
                assert again.body == (b"" if same is known else same.body)
                assert again.headers["ETag"] == same.headers["ETag"]
                assert again.headers["Vary"] == "Accept-Encoding"
                assert again.headers["Cache-Control"] == known.headers["Cache-Control"]


def test_head_tells_the_length_that_is_sent(client: Client) -> None:
    for accepted in ("identity", "gzip"):
        headers = {"Accept-Encoding": accepted}
        head = client.request("HEAD", STYLE, headers=headers)
        got = client.request("GET", STYLE, headers=headers)
        assert (head.body, head.headers) == (b"", got.headers)
        assert got.headers["Content-Length"] == str(len(got.body))


def test_the_address_of_a_file_is_the_same_in_every_encoding(client: Client) -> None:
    url = client.get("/").find("link").get("href", "")
    for accepted in ("identity", "gzip"):
        headers = client.get(url, Accept_Encoding=accepted).headers
        assert "max-age=31536000" in headers["Cache-Control"]


def test_an_operators_text_is_compressed_and_a_picture_is_left_alone(
    make_client: MakeClient, tmp_path: Path
) -> None:
    (tmp_path / "look/static").mkdir(parents=True)
    style, picture = b".card { color: red }\n" * 50, b"\x89PNG" + bytes(1000)
    (tmp_path / "look/static/own.css").write_bytes(style)
    (tmp_path / "look/static/own.png").write_bytes(picture)
    client = make_client("[look]\ndirectory = look")
    answer = client.get("/static/own.css", Accept_Encoding="gzip")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.body) == style
    answer = client.get("/static/own.png", Accept_Encoding="gzip")
    assert answer.body == picture
    assert "Content-Encoding" not in answer.headers
    assert "Vary" not in answer.headers
    again = client.get("/static/own.png", If_None_Match=answer.headers["ETag"])
    assert again.status == 304


def test_pages_are_not_compressed(client: Client) -> None:
    # What is secret on a page could be guessed from its length (BREACH).
    for path in ("/", "/nowhere", client.book().admin_path):
        answer = client.get(path, Accept_Encoding="gzip")
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Vary"] == "Accept-Language"
