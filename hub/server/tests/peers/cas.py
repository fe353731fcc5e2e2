"""A CAS server that others wrote (django-cas-server) on a free port of loopback, with one invented user. Prints its address."""

import pathlib
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
settings.configure(
    DEBUG=False,
    SECRET_KEY="peers-only",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "cas.db")}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages",
                    "django.contrib.staticfiles", "django.contrib.admin", "cas_server"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.locale.LocaleMiddleware",
                "django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
                "OPTIONS": {"context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
                                                   "django.contrib.messages.context_processors.messages"]}}],
    STATIC_URL="/static/",
    USE_TZ=True,
    CAS_AUTH_CLASS="cas_server.auth.TestAuthUser",
    CAS_TEST_USER="li",
    CAS_TEST_PASSWORD="peers-only",
    CAS_TEST_ATTRIBUTES={"displayName": "人物 li", "assurance": "sms"},
    CAS_NEW_VERSION_HTML_WARNING=False,
    CAS_SHOW_POWERED=False,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402

urlpatterns = [path("cas/", include("cas_server.urls", namespace="cas_server"))]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


call_command("migrate", verbosity=0)
from cas_server.models import ReplaceAttributName, ServicePattern  # noqa: E402

pattern, _ = ServicePattern.objects.get_or_create(pos=1, pattern=r"^http://127\.0\.0\.1:\d+/sso/via/peer/callback.*$",
                                                  defaults={"name": "hub", "single_log_out": True})
for name in ("displayName", "assurance"):
    ReplaceAttributName.objects.get_or_create(name=name, replace=name, service_pattern=pattern)
server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(f"http://127.0.0.1:{server.server_port}/cas", flush=True)
server.serve_forever()
