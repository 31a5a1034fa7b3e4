"""/etc/planado/gunicorn.conf.py: gunicorn as a host of Planado."""

from gunicorn.glogging import Logger

raw_env = ["PLANADO_CONFIG=/etc/planado/planado.ini"]
bind = "127.0.0.1:8080"
# Behind the unchanged deploy/nginx.conf: bind = "unix:/run/planado/socket"
umask = 0o007
workers = 2
threads = 2

# Addresses are the secrets here: a warning quotes a malformed request and its sender.
loglevel = "error"


class LoggerWithoutAddresses(Logger):
    """Logs why a request failed, but not which one."""

    def exception(self, msg, *args, **kwargs):
        super().exception(str(msg).replace(" %s", ""), **kwargs)


logger_class = LoggerWithoutAddresses
