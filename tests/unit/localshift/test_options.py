from __future__ import annotations

from pathlib import Path

import pytest

from localshift.__main__ import parser, to_options
from localshift.options import OptionError, parse_iam_role, parse_user, read_users

README = Path(__file__).resolve().parents[3] / "lib" / "localshift" / "README.md"


def test_the_command_line_becomes_options(tmp_path: Path) -> None:
    users = tmp_path / "users.json"
    users.write_text('{"Loader": "Pass1"}')
    arguments = ["--port", "0", "--data-dir", str(tmp_path / "a b"), "--user", "Admin=a=b", "--users-file", str(users),
                 "--iam-role", "arn:aws:iam::1:role/x=s3://a/,s3://b/c", "--serverless", "--database", "Mart"]  # fmt: skip

    options = to_options(parser().parse_args(arguments))

    assert options.users == {"admin": "a=b", "loader": "Pass1"}
    assert options.iam_roles == {"arn:aws:iam::1:role/x": ("s3://a/", "s3://b/c")}
    assert (options.port, options.data_dir, options.database, options.serverless) == (0, tmp_path / "a b", "mart", True)
    assert "a=b" not in repr(options)


@pytest.mark.parametrize(
    "text", ["", "x", "arn:x", "arn:x=", "arn:x=/etc", "x=s3://b/", "arn:x=s3://b/,http://c", "arn:x=s3://"]
)
def test_a_role_without_prefixes_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        parse_iam_role(text)


def test_a_wrong_user_option_does_not_show_the_password() -> None:
    with pytest.raises(OptionError) as caught:
        parse_user("=secret")

    assert "secret" not in str(caught.value)


def test_every_option_stands_in_the_readme() -> None:
    shown = README.read_text(encoding="utf-8")

    options = [name for action in parser()._actions for name in action.option_strings if name.startswith("--")]

    assert [name for name in options if name not in shown and name != "--help"] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read as JSON"),
        ("[]", "expected an object of names and passwords"),
        ("{}", "expected an object of names and passwords"),
        ('{"a": 1}', "expected an object of names and passwords"),
        ('{"a": ""}', "expected an object of names and passwords"),
        ('{"": "Secret1x"}', "expected an object of names and passwords"),
        ('{"a": "Secret1x", "A": "Secret2x"}', "the name 'a' stands there twice"),
        ('{"rdsdb": "Secret1x"}', "the name 'rdsdb' is localshift's own"),
    ],
)
def test_a_file_of_users_that_is_none_is_refused_without_its_passwords(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text(content)

    with pytest.raises(OptionError) as caught:
        read_users(file)

    assert said in str(caught.value)
    assert "Secret" not in str(caught.value)
