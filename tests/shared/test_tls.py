"""A store that is reached over TLS: `rediss://`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.process import free_port
from chat.errors import SetupError
from chat.server.shared.place import Place
from chat.server.shared.store import Store, StoreDown
from tests.shared.store_process import RedisProcess, running_store
from tests.support import running_server
from tests.tls import Authority

USER = ("--user", "chat", "on", ">word", "~fanfare:*", "+@all")


class SecureStore:
    """Redis that takes clients with a certificate of its authority, over TLS alone."""

    def __init__(self, folder: Path, authority: Authority, process: RedisProcess, port: int) -> None:
        self.folder = folder
        self.port = port
        self.process = process
        self.ca = authority.write_ca()
        self.client = authority.write_client("node")

    def url(self, query: str = "", host: str = "localhost") -> str:
        return f"rediss://chat:word@{host}:{self.port}/0?ca={self.ca}&cert={self.client}{query}"


def options(authority: Authority, port: int) -> tuple[str, ...]:
    cert, key, ca = authority.settings["tls_cert"], authority.settings["tls_key"], authority.write_ca()
    files = ("--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca)
    return ("--tls-port", str(port), *files, "--tls-replication", "yes", "--bind", "127.0.0.1 127.0.0.2", *USER)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def store(tmp_path: Path, authority: Authority) -> Iterator[SecureStore]:
    port = free_port()
    with running_store(tmp_path, 0, *options(authority, port)) as process:
        yield SecureStore(tmp_path, authority, process, port)


def refusal(url: str) -> str:
    """The one line with which a node that is given this store does not start."""
    with pytest.raises(SetupError) as refused, running_server(log=url, node="a"):
        pass
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_two_nodes_share_a_store_over_tls_with_password_user_and_certificate(store: SecureStore) -> None:
    with running_server(log=store.url(), node="a") as one, running_server(log=store.url(), node="b") as two:
        ana, bob = one.irc("ana", "#r"), two.irc("bob", "#r")
        ana.expect("JOIN")
        ana.say("#r", "hello")
        assert bob.expect("PRIVMSG").params[1] == "hello"


def test_a_strict_node_reads_from_a_replica_over_tls(store: SecureStore, authority: Authority) -> None:
    folder, port = store.folder / "replica", free_port()
    folder.mkdir()
    replicate = ("--replicaof", "127.0.0.1", str(store.port))
    with running_store(folder, 0, *options(authority, port), *replicate):
        assert store.process.client().wait(1, 20_000) == 1
        log = store.url(f"&replica=localhost:{port}")
        with running_server(log=log, node="a", durability="strict") as node:
            ana, bob = node.irc("ana", "#r"), node.irc("bob", "#r")
            ana.expect("JOIN")
            ana.say("#r", "on both")
            assert bob.expect("PRIVMSG").params[1] == "on both"


def test_a_store_with_another_authoritys_certificate_is_refused(store: SecureStore, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").write_ca()
    for query in (f"?ca={other}", ""):  # the system's authorities do not know it either
        reason = refusal(f"rediss://localhost:{store.port}/0{query}")
        assert "its certificate is not trusted, self-signed certificate in" in reason


def test_a_store_under_another_name_than_its_certificates_is_refused(store: SecureStore) -> None:
    assert "its certificate is not trusted, IP address mismatch" in refusal(store.url(host="127.0.0.2"))


def test_a_store_that_asks_for_a_certificate_refuses_a_node_without_one(store: SecureStore) -> None:
    assert "cannot be reached" in refusal(f"rediss://chat:word@localhost:{store.port}/0?ca={store.ca}")


def test_a_wrong_password_is_refused_over_tls_too(store: SecureStore) -> None:
    assert "does not let us in" in refusal(store.url().replace("word", "secret", 1))


def test_a_store_with_tls_and_one_without_are_not_taken_for_each_other(store: SecureStore, tmp_path: Path) -> None:
    assert "cannot be reached" in refusal(f"redis://chat:word@localhost:{store.port}/0")
    (tmp_path / "plain").mkdir()
    with running_store(tmp_path / "plain", free_port()) as plain:
        assert "cannot be reached" in refusal(f"rediss://127.0.0.1:{plain.port}/0")


def test_a_store_whose_certificate_is_renewed_is_reached_again(store: SecureStore, authority: Authority) -> None:
    opened = Store(Place.of(store.url()))
    assert opened.newest() == "0-0"
    store.process.stop()
    authority.renew()
    with pytest.raises(StoreDown):
        opened.newest()
    store.process.start(*options(authority, store.port))
    assert opened.newest() == "0-0"
    opened.close()


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("ca={0}/none", "log: {0}/none: No such file or directory"),
        ("cert={0}/cert.pem&key={0}/none", "log: {0}/none: No such file or directory"),
        ("ca={0}/key.pem", "log: {0}/key.pem: it holds no certificate in PEM"),
        ("cert={0}/cert.pem", "log: {0}/cert.pem: it is no key, in PEM"),
        ("cert={0}/other/cert.pem&key={0}/key.pem", "log: {0}/key.pem: it is no key, in PEM and not encrypted"),
        ("key={0}/key.pem", "log: there is a key and no cert that goes with it"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, authority: Authority, query: str, complaint: str) -> None:
    (tmp_path / "other").mkdir()
    Authority(tmp_path / "other")
    with pytest.raises(SetupError) as refused:
        Place.of(f"rediss://h?{query.format(tmp_path)}")
    assert str(refused.value).startswith(complaint.format(tmp_path))


def test_files_for_tls_are_refused_where_there_is_none() -> None:
    with pytest.raises(SetupError, match="log: ca is a file for TLS, which rediss:// has and redis:// has not"):
        Place.of("redis://h?ca=ca.pem")
