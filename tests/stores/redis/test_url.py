"""URLs of Redis stores: what they say, what is refused, and that no message tells a password."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrust.core.errors import ConfigError
from zerotrust.stores.redis import AsyncRedisStore, RedisStore
from zerotrust.stores.redis.url import Login, Place, read

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://redis.example", "redis://redis.example:6379/0"),
        (f"redis://app:{SECRET}@Redis.Example:7000/3", "redis://redis.example:7000/3"),
        (f"redis://:{SECRET}@[::1]:7000", "redis://[::1]:7000/0"),
        (f"rediss://app:{SECRET}@10.0.0.1/", "rediss://10.0.0.1:6379/0"),
        (f"unix://app:{SECRET}@/run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
        (f"redis+sentinel://app:{SECRET}@a,b:7/main/1", "redis+sentinel://a:26379,b:7/main/1"),
        (
            f"rediss+sentinel://a/main?sentinel_username=guard&sentinel_password={SECRET}",
            "rediss+sentinel://a:26379/main/0",
        ),
        (f"rediss+cluster://app:{SECRET}@a,[::1]", "rediss+cluster://a:6379,[::1]:6379"),
    ],
)
def test_a_store_shows_where_it_is_and_not_how_it_gets_in(url: str, shown: str) -> None:
    assert repr(RedisStore(url, namespace="app")) == f"RedisStore('{shown}', namespace='app')"
    assert repr(AsyncRedisStore(url, namespace="app")) == f"AsyncRedisStore('{shown}', namespace='app')"
    assert SECRET not in repr(read(url))


def test_logins_are_read_from_the_url_or_given_apart_from_it() -> None:
    assert read("redis://app:p%40%2Fw@h").login == Login("app", "p@/w")
    assert read("redis://:word@h").login == Login(None, "word")
    assert read("redis://h", "app", "p@/w").login == Login("app", "p@/w")
    assert read("redis://h").login == Login()
    guarded = read("redis+sentinel://app:word@h/m?sentinel_username=guard&sentinel_password=other")
    assert (guarded.login, guarded.guide_login) == (Login("app", "word"), Login("guard", "other"))
    assert repr(Login("app", SECRET)) == "Login()"


def test_where_the_servers_are() -> None:
    sentinels = read("redis+sentinel://a:1,b/main.db-1/7")
    assert sentinels.places == (Place("a", 1), Place("b", 26379))
    assert (sentinels.mode, sentinels.master, sentinels.database) == ("sentinel", "main.db-1", 7)
    socket = read("unix:///run/my%20redis.sock?db=4")
    assert (socket.places, socket.database) == ((Place("", 0, "/run/my redis.sock"),), 4)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("", "redis://127.0.0.1"),
        ("http://h", "rediss://"),
        ("redis:/h", "redis://127.0.0.1"),
        ("redis://h#x", "percent-encode"),
        ("redis://h:0", "host 1 of 1"),
        ("redis://h:65536", "host 1 of 1"),
        ("redis://h_ h", "percent-encode"),
        ("redis://a,b", "redis+cluster://"),
        ("redis+cluster://a,,b", "host 2 of 3"),
        ("redis+cluster://" + ",".join("a" * 65), "64"),
        ("redis://h/x", "number"),
        ("redis://h/0/1", "more parts"),
        ("redis+sentinel://h", "name the master"),
        ("redis+sentinel://h/m!", "name the master"),
        ("redis+cluster://h/1", "one database"),
        ("unix://run/redis.sock", "whole path"),
        ("unix://", "whole path"),
        ("redis://app@h", "without a password"),
        ("redis://app:@h", "without a password"),
        ("redis://app:a:b@h", "percent-encode"),
        ("redis://h?db=1", "none of them"),
        ("rediss://h?ssl_ca=x", "only ssl_ca_certs, ssl_certfile, ssl_keyfile"),
        ("redis://h?ssl_ca_certs=/ca.pem", "none of them"),
        ("redis://h?socket_timeout=1", "not known"),
        ("rediss://h?ssl_cert_reqs=none", "always verified"),
        ("rediss://h?ssl_check_hostname=false", "always verified"),
        ("rediss://h?ssl_min_version=1", "always verified"),
        ("rediss://h?ssl_ca_certs=a&ssl_ca_certs=b", "once"),
        ("rediss://h?ssl_ca_certs=", "one value"),
        ("rediss://h?ssl_ca_certs=/no/such.pem", "No such file"),
        ("rediss://h?ssl_keyfile=/no/such.pem", "ssl_keyfile without ssl_certfile"),
        ("rediss://h?ssl_certfile=/no/such.pem", "No such file"),
        ("redis+sentinel://h/m?sentinel_username=u", "sentinel_username without sentinel_password"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_advice(url: str, advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RedisStore(url)
    assert advice in str(caught.value)


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="PEM"):
        RedisStore(f"rediss://h?ssl_ca_certs={tmp_path}/ca.pem")
    with pytest.raises(ConfigError, match="PEM"):
        RedisStore(f"rediss://h?ssl_certfile={tmp_path}/ca.pem")


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"username": "app"}, "username without a password"),
        ({"password": ""}, "not empty"),
        ({"password": b"word"}, "text"),
        ({"connections": 0}, "1 to 4096"),
        ({"connections": "8"}, "1 to 4096"),
        ({"timeout": 0.5}, "timedelta"),
        ({"namespace": "No"}, "lower case"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], advice: str) -> None:
    for store in (RedisStore, AsyncRedisStore):
        with pytest.raises(ConfigError, match=advice):
            store("redis://h", **options)


@pytest.mark.parametrize("seconds", [0, -1, 60.1])
def test_a_timeout_is_longer_than_nothing_and_a_minute_at_most(seconds: float) -> None:
    with pytest.raises(ConfigError, match="timeout"):
        RedisStore("redis://h", timeout=timedelta(seconds=seconds))
    with pytest.raises(ConfigError, match="heartbeat"):
        RedisStore("redis://h", heartbeat=timedelta(seconds=-1))


def test_a_login_is_given_once() -> None:
    with pytest.raises(ConfigError, match="choose one") as caught:
        RedisStore(f"redis://app:{SECRET}@h", password="other")
    assert SECRET not in str(caught.value)


@given(
    scheme=st.sampled_from(["redis", "rediss", "unix", "redis+sentinel", "redis+cluster", "other"]),
    before=st.text("ab:@/?#%& ,[]", max_size=6),
    after=st.text("ab:@/?#%&= ,[]19", max_size=12),
)
def test_no_message_and_no_repr_tells_a_password(scheme: str, before: str, after: str) -> None:
    # What is special in it is not encoded, as people forget to: any part of the URL may be a part of the password.
    url = f"{scheme}://app:{before}{SECRET}{after}@h/m"
    for text in (url, f"{url}?x={SECRET}"):
        try:
            told = repr(RedisStore(text))
        except ConfigError as error:
            told = f"{error} {error.__cause__}"
        assert SECRET not in told, text


@given(user=st.text(min_size=1), password=st.text(min_size=1))
def test_any_login_can_be_encoded(user: str, password: str) -> None:
    encoded = f"redis://{quote(user, safe='')}:{quote(password, safe='')}@h" if _utf8(user + password) else "redis://h"
    if encoded != "redis://h":
        assert read(encoded).login == Login(user, password)


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
