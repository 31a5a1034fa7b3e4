"""The hosts: each function sets a site up by the files of deploy/ and the commands of
docs/hosting.md, and starts it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.site import DEPLOY, Site, as_service_user
from tests.support.mariadb import free_port

APACHE_MODULES = Path("/usr/lib/apache2/modules")


@dataclass(frozen=True)
class Programs:
    """What docs/hosting.md has somebody install, once for all hosts.

    `checkout` is a server's /srv/planado; `upload` is the folder for a shared host.
    """

    checkout: Path
    upload: Path


def waitress(site: Site, programs: Programs) -> None:
    site.configure(base_url=True)
    _planado_serve(site, programs, f"127.0.0.1:{site.port}")


def gunicorn_sync(site: Site, programs: Programs) -> None:
    site.configure(base_url=True)
    _gunicorn(site, programs, f"127.0.0.1:{site.port}", "--threads=1")


def gunicorn_gthread(site: Site, programs: Programs) -> None:
    site.configure(base_url=True)
    _gunicorn(site, programs, f"127.0.0.1:{site.port}")


def granian(site: Site, programs: Programs) -> None:
    site.configure(base_url=True)
    _granian(site, programs, "--host", "127.0.0.1", "--port", str(site.port))


def uwsgi(site: Site, programs: Programs) -> None:
    site.configure()
    ini = site.derive(
        "uwsgi.ini",
        {
            "127.0.0.1:8080": f"127.0.0.1:{site.port}",
            "/srv/planado": str(programs.checkout),
            "/etc/planado\n": f"{site.folder}\n",
            "mount = /=": f"mount = {site.mount or '/'}=",
        },
    )
    site.start(["uwsgi", "--ini", ini])


def apache_mod_wsgi(site: Site, programs: Programs) -> None:
    site.configure()
    own = site.derive(
        "apache-wsgi.conf",
        {
            " user=planado group=planado": "",
            "/srv/planado": str(programs.checkout),
            "home=/etc/planado": f"home={site.folder}",
            "<VirtualHost *:80>": f"<VirtualHost 127.0.0.1:{site.port}>",
            "WSGIScriptAlias / ": f"WSGIScriptAlias {site.mount or '/'} ",
        },
    )
    _apache(site, f"WSGISocketPrefix {site.folder}/wsgi\nInclude {own}", "wsgi", "headers")


def apache_cgi(site: Site, programs: Programs) -> None:
    _uploaded(site, programs)
    _apache(site, f"ScriptSock {site.folder}/cgisock\n{_shared(site)}", "cgid", *_HTACCESS_MODULES)


def apache_mod_fcgid(site: Site, programs: Programs) -> None:
    folder = _uploaded(site, programs)
    # As docs/hosting.md says.
    for_fastcgi = {"planado\\.cgi": "planado\\.fcgi", "planado.cgi": "planado.fcgi"}
    for_fastcgi["cgi-script .cgi"] = "fcgid-script .fcgi"
    site.derive(".htaccess", for_fastcgi, folder / ".htaccess")
    (folder / "planado.cgi").unlink()
    settings = f"FcgidIPCDir {site.folder}/fcgid\nFcgidProcessTableFile {site.folder}/fcgid.table\n"
    _apache(site, settings + _shared(site), "fcgid", *_HTACCESS_MODULES)


def apache_passenger(site: Site, programs: Programs) -> None:
    application = site.folder / "application"
    shutil.copytree(programs.upload, application)
    site.configure(application)
    (site.folder / f"docroot{site.mount}").mkdir(parents=True)
    own = site.derive(
        "apache-passenger.conf",
        {
            "/home/me/planado": str(application),
            'PassengerBaseURI "/"': f'PassengerBaseURI "{site.mount or "/"}"',
            '<Location "/">': f'<Location "{site.mount or "/"}">',
        },
    )
    settings = f"""
        PassengerRoot /usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini
        PassengerRuby /usr/bin/ruby
        PassengerInstanceRegistryDir {site.folder}
        PassengerLogFile {site.folder}/passenger.log
        PassengerMaxPoolSize 2
        PassengerDisableSecurityUpdateCheck on
        PassengerDisableAnonymousTelemetry on
        Include {own}
    """
    _apache(site, settings, "passenger", "headers")


def lighttpd_fastcgi(site: Site, programs: Programs) -> None:
    folder = site.folder / "planado"
    shutil.copytree(programs.upload, folder)
    site.configure(folder)
    own = site.derive(
        "lighttpd.conf",
        {
            "/srv/planado/": f"{folder}/",
            "/run/lighttpd/planado": str(site.socket),
            'server = ("/" =>': f'server = ("{site.mount or "/"}" =>',
        },
    )
    main = site.folder / "main.conf"
    main.write_text(
        f"""
        server.document-root = "{site.folder}/docroot"
        server.bind = "127.0.0.1"
        server.port = {site.port}
        server.upload-dirs = ("{site.folder}")
        server.errorlog = "{site.folder}/lighttpd.log"
        include "{own}"
        """
    )
    (site.folder / "docroot").mkdir()
    site.start(["lighttpd", "-D", "-f", main])


def nginx_waitress_tcp(site: Site, programs: Programs) -> None:
    port = _nginx_over_tcp(site)
    _planado_serve(site, programs, f"127.0.0.1:{port}")


def nginx_alone(site: Site) -> None:
    _nginx(site, {"/run/planado/socket": str(site.socket)})


def nginx_waitress_unix(site: Site, programs: Programs) -> None:
    nginx_alone(site)
    _planado_serve(site, programs, f"unix:{site.socket}")


def nginx_gunicorn_tcp(site: Site, programs: Programs) -> None:
    port = _nginx_over_tcp(site)
    _gunicorn(site, programs, f"127.0.0.1:{port}")


def nginx_gunicorn_unix(site: Site, programs: Programs) -> None:
    nginx_alone(site)
    _gunicorn(site, programs, f"unix:{site.socket}")


def nginx_granian_unix(site: Site, programs: Programs) -> None:
    nginx_alone(site)
    _granian(site, programs, "--uds", str(site.socket))


HOSTS: dict[str, Callable[[Site, Programs], None]] = {
    "waitress": waitress,
    "gunicorn-sync": gunicorn_sync,
    "gunicorn-gthread": gunicorn_gthread,
    "granian": granian,
    "uwsgi": uwsgi,
    "apache-mod_wsgi": apache_mod_wsgi,
    "apache-cgi": apache_cgi,
    "apache-mod_fcgid": apache_mod_fcgid,
    "apache-passenger": apache_passenger,
    "lighttpd-fastcgi": lighttpd_fastcgi,
    "nginx-waitress-tcp": nginx_waitress_tcp,
    "nginx-waitress-unix": nginx_waitress_unix,
    "nginx-gunicorn-tcp": nginx_gunicorn_tcp,
    "nginx-gunicorn-unix": nginx_gunicorn_unix,
    "nginx-granian-unix": nginx_granian_unix,
}
LOGGED_BY_THE_HOST = ("apache-cgi", "apache-mod_fcgid")
"""Whose log of errors is not the recipe's to switch off."""

_HTACCESS_MODULES = ("env", "rewrite", "dir")


def _planado_serve(site: Site, programs: Programs, listen: str) -> None:
    command = as_service_user(".venv/bin/planado serve")
    command[command.index("/etc/planado/planado.ini")] = str(site.folder / "planado.ini")
    site.start([programs.checkout / command[0], *command[1:], "--listen", listen])


def _gunicorn(site: Site, programs: Programs, bind: str, *options: str) -> None:
    command = as_service_user(".venv/bin/gunicorn")
    changes = {"127.0.0.1:8080": bind, "/etc/planado/planado.ini": f"{site.folder}/planado.ini"}
    settings = site.derive("gunicorn.conf.py", changes)
    command[command.index("/etc/planado/gunicorn.conf.py")] = str(settings)
    site.start([programs.checkout / command[0], *command[1:-1], *options, command[-1]])


def _granian(site: Site, programs: Programs, *listen: str) -> None:
    unit = (DEPLOY / "granian.conf").read_text("utf-8")
    [environ] = re.findall("^Environment=(.*)$", unit, re.MULTILINE)
    [command] = re.findall("^ExecStart=(.+)$", unit, re.MULTILINE)
    program, *words = command.replace("/srv/planado", str(programs.checkout)).split()
    assert environ == "PLANADO_CONFIG=/etc/planado/planado.ini"
    where = words.index("--uds")
    words[where : where + 2] = listen
    site.start([program, *words], PLANADO_CONFIG=str(site.folder / "planado.ini"))


def _nginx_over_tcp(site: Site) -> int:
    port = free_port()
    _nginx(
        site,
        {
            "server unix:/run/planado/socket;\n": "",
            "# Over TCP: server 127.0.0.1:8080;": f"server 127.0.0.1:{port};",
        },
    )
    return port


def _nginx(site: Site, changes: dict[str, str]) -> None:
    site.configure(base_url=True)
    own = site.derive(
        "nginx.conf",
        {
            **changes,
            "listen 80;": f"listen 127.0.0.1:{site.port};",
            "location / {": f"location {site.mount}/ {{",
        },
    )
    folders = "\n".join(
        f"{kind}_temp_path {site.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = site.folder / "main.conf"
    main.write_text(
        f"""
        daemon off;
        worker_processes auto;
        pid {site.folder}/nginx.pid;
        error_log {site.folder}/nginx.log;
        events {{ }}
        http {{
            {folders}
            include {own};
        }}
        """
    )
    site.start(["nginx", "-e", site.folder / "nginx.log", "-c", main])


def _uploaded(site: Site, programs: Programs) -> Path:
    folder = site.folder / f"docroot{site.mount}"
    shutil.copytree(programs.upload, folder)
    site.configure(folder)
    return folder


def _shared(site: Site) -> str:
    """Return what an operator of shared hosting leaves to .htaccess."""
    return f"""
        <Directory {site.folder}/docroot>
            AllowOverride All
            Require all granted
        </Directory>
    """


def _apache(site: Site, settings: str, *modules: str) -> None:
    loaded = "\n".join(
        f"LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so"
        for name in ("mpm_event", "authz_core", "mime", "alias", *modules)
    )
    (site.folder / "docroot").mkdir(exist_ok=True)
    main = site.folder / "main.conf"
    main.write_text(
        f"""
        ServerRoot {site.folder}
        ServerName 127.0.0.1
        Listen 127.0.0.1:{site.port}
        PidFile {site.folder}/apache.pid
        DefaultRuntimeDir {site.folder}
        Mutex file:{site.folder}
        ErrorLog {site.folder}/apache.log
        DocumentRoot {site.folder}/docroot
        {loaded}
        TypesConfig /dev/null
        {settings}
        """
    )
    site.start(["apache2", "-DFOREGROUND", "-f", main])
