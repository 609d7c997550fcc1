"""The project of docs/django.md, file by file: its tests pass, and its checks find nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

PROJECT = """
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "shop.urls"
SECRET_KEY = "made up"
STATIC_URL = "/static/"
"""
URLS = """
from django.http import HttpResponse
from django.urls import include, path
from shop.views import Refund, pay, pay_later

def home(request):
    return HttpResponse("home")

urlpatterns = [
    path("pay/", pay),
    path("pay-later/", pay_later),
    path("refund/<int:pk>/", Refund.as_view()),
    path("health/", home),
    path("admin/", include([path("", home)])),
]
"""
RUN = """
import django
django.setup()
from django.core.management import call_command
call_command("check", fail_level="WARNING")
from shop import told
told.test_nothing_is_open_but_what_we_mean()
told.test_who_pays()
"""


def test_the_project_of_the_page_works(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "django.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    policies, had, added, views, *_ = blocks
    told = "".join(block for block in blocks if "def test_" in block)
    files = {
        "__init__": "",
        "policies": policies,
        "settings": f"{PROJECT}{had}{added}",
        "views": views,
        "urls": URLS,
        "told": told,
    }
    (tmp_path / "shop").mkdir()
    for name, text in files.items():
        (tmp_path / "shop" / f"{name}.py").write_text(text)
    around = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "DJANGO_SETTINGS_MODULE": "shop.settings"}
    ran = subprocess.run([sys.executable, "-c", RUN], env=around, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "no issues" in ran.stdout
