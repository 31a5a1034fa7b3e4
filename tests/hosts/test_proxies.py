"""What the recipes that stand before Planado, or end TLS, tell it and browsers."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from tests.hosts.hosts import (
    APACHE_MODULES,
    Programs,
    apache_mod_wsgi,
    apache_passenger,
    nginx_granian_unix,
    nginx_gunicorn_unix,
    nginx_waitress_tcp,
    nginx_waitress_unix,
)
from tests.hosts.site import NetworkVisitor, Site

HSTS = "Strict-Transport-Security"
Host = Callable[[Site, Programs], None]


class SiteThatTrustsItsProxy(Site):
    """A site without a base_url."""

    def configure(self, folder: Path | None = None, base_url: bool = False) -> Path:
        file = super().configure(folder)
        text = file.read_text("utf-8")
        file.write_text(f"{text}[server]\ntrusted_proxy = 127.0.0.1\n", "utf-8")
        return file


class SiteWithTls(Site):
    """A site whose host has a certificate, as certbot gives it one."""

    def __init__(self, mount: str) -> None:
        super().__init__(mount)
        self.origin = f"https://127.0.0.1:{self.port}"
        self.root = f"{self.origin}{mount}"
        authority = trustme.CA()
        self._trust = ssl.create_default_context()
        authority.configure_trust(self._trust)
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_and_cert_chain_pem.write_to_path(self.folder / "tls")

    def derive(self, name: str, changes: Mapping[str, str], to: Path | None = None) -> Path:
        target = super().derive(name, changes, to)
        file = f"{self.folder}/tls"
        apache = f"SSLEngine on\nSSLCertificateFile {file}\n"
        text = target.read_text("utf-8")
        if name == "nginx.conf":
            nginx = f" ssl;\nssl_certificate {file};\nssl_certificate_key {file};\n"
            text = re.sub("(listen 127.0.0.1:[0-9]+);", rf"\1{nginx}", text)
        elif "</VirtualHost>" in text:
            text = text.replace("</VirtualHost>", f"{apache}</VirtualHost>")
        else:
            text += apache
        if name.startswith("apache"):
            text = f"LoadModule ssl_module {APACHE_MODULES}/mod_ssl.so\n{text}"
        target.write_text(text, "utf-8")
        return target

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self._trust)


@contextmanager
def visitor_of(site: Site, host: Host, programs: Programs) -> Iterator[NetworkVisitor]:
    try:
        host(site, programs)
        site.wait_until_it_answers()
        yield NetworkVisitor(site)
    finally:
        site.stop()


def test_a_visitor_cannot_pretend_to_be_a_proxy(programs: Programs) -> None:
    with visitor_of(SiteThatTrustsItsProxy(""), nginx_waitress_tcp, programs) as visitor:
        answer = visitor.get(
            "/",
            Host="planado.example",
            X_Forwarded_Host="evil.example",
            X_Forwarded_Proto="https",
            X_Forwarded_For="192.0.2.1",
            Forwarded="host=evil.example;proto=https",
        )
    assert "http://planado.example/static/" in answer.text
    assert "evil.example" not in answer.text


@pytest.mark.parametrize("host", [nginx_waitress_unix, nginx_gunicorn_unix, nginx_granian_unix])
def test_a_unix_socket_is_for_the_web_server_alone(programs: Programs, host: Host) -> None:
    site = Site("")
    with visitor_of(site, host, programs):
        # Of a socket, the right to execute says nothing.
        assert site.socket.stat().st_mode & 0o7666 == 0o660


@pytest.mark.parametrize("host", [nginx_waitress_tcp, apache_mod_wsgi, apache_passenger])
def test_browsers_are_told_to_come_by_tls_alone_once_they_did(
    programs: Programs, host: Host
) -> None:
    with visitor_of(SiteWithTls(""), host, programs) as visitor:
        for path in ("/", "/nowhere"):
            assert visitor.get(path).headers[HSTS] == "max-age=31536000"
    with visitor_of(Site(""), host, programs) as visitor:
        assert HSTS not in visitor.get("/").headers
