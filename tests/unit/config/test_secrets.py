"""References are resolved late, and what they resolve to shows nowhere."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from lakemart.config.secrets import Secret, resolve
from lakemart.errors import ConfigError


def test_a_secret_shows_nowhere_but_by_reveal() -> None:
    secret = resolve("secret://env/PASSWORD", {"PASSWORD": "hunter2"})

    shown = f"{secret} {secret!r} {secret:>20} {[secret]} {vars(SimpleNamespace(s=secret))} {'%s' % secret}"  # noqa: UP031

    assert "hunter2" not in shown
    assert secret.reveal() == "hunter2"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps({"secret": secret})


def test_a_secret_of_a_file_loses_the_newline_at_its_end_only(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(" two\nlines \n")

    assert resolve(f"secret://file/{tmp_path}/password").reveal() == " two\nlines "


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("hunter2", "not written as a reference"),
        ("secret://env/ABSENT", "ABSENT is not set"),
        ("secret://env/EMPTY", "empty"),
        ("secret://file//absent/file", "cannot be read: FileNotFoundError"),
    ],
)
def test_a_reference_to_nothing_is_a_configuration_error(reference: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        resolve(reference, {"EMPTY": ""})

    assert "hunter2" not in str(caught.value)


class FakeAws:
    """Answers the two calls that references need."""

    def __init__(self, answer: dict[str, object]) -> None:
        self.answer = answer
        self.asked: list[dict[str, object]] = []

    def get_secret_value(self, **request: object) -> dict[str, object]:
        self.asked.append(request)
        return self.answer

    get_parameter = get_secret_value


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    fake = FakeAws({"SecretString": '{"password": "hunter2", "n": 5}', "Parameter": {"Value": "hunter3"}})
    monkeypatch.setattr("boto3.client", lambda _service: fake)
    return fake


def test_secrets_manager_gives_the_text_or_one_key_of_it(aws: FakeAws) -> None:
    assert resolve("secret://secretsmanager/team/redshift#password").reveal() == "hunter2"
    assert resolve("secret://secretsmanager/team/redshift").reveal().startswith("{")
    assert aws.asked == [{"SecretId": "team/redshift"}] * 2


def test_the_parameter_store_is_asked_with_decryption(aws: FakeAws) -> None:
    assert resolve("secret://ssm/team/redshift").reveal() == "hunter3"
    assert resolve("secret://ssm/plain").reveal() == "hunter3"
    assert [asked["Name"] for asked in aws.asked] == ["/team/redshift", "plain"]
    assert all(asked["WithDecryption"] for asked in aws.asked)


def test_a_missing_key_never_shows_the_rest_of_the_secret(aws: FakeAws) -> None:
    with pytest.raises(ConfigError, match="JSON object with the key 'absent'") as caught:
        resolve("secret://secretsmanager/team#absent")

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert aws.asked


def test_a_secret_equals_no_text() -> None:
    assert Secret("a", "secret://env/A") != "a"
