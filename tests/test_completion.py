"""What the program answers to a shell's TAB; the shells themselves are in interop/test_shells.py."""

from __future__ import annotations

import time

import pytest

from natsobj import Bucket
from natsobj.cli.arguments import completion
from tests.program import Program

UNREACHABLE = "nats://127.0.0.1:1"


def told(cli: Program, shell: str, *words: str, **env: str) -> list[str]:
    """The answer to zsh or fish, for words whose last one is unfinished."""
    result = cli(*words, env={"_NATSOBJ_COMPLETE": f"complete_{shell}", **env})
    assert (result.code, result.stderr) == (0, "")
    return result.lines


def inserted(cli: Program, line: str, replaced: str, **env: str) -> list[str]:
    """The answer to bash, which puts it in the place of the end of the line."""
    asked = {"_NATSOBJ_COMPLETE": "complete_bash", "COMP_WORDS": line, "_NATSOBJ_WORD": replaced}
    result = cli(env={**asked, **env})
    assert (result.code, result.stderr) == (0, "")
    return result.lines


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_commands_come_with_what_they_do(bare_cli: Program, shell: str) -> None:
    """Whole, also where that is long."""
    assert told(bare_cli, shell, "ge") == ["get\tFetch an object to a file or a pipe, or many into a folder."]
    assert told(bare_cli, shell, "server", "sto") == ["stop\tStop it, if it is running."]
    assert any(line.startswith("put\tStore a file, ") for line in told(bare_cli, shell, ""))


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_options_come_with_what_they_mean(bare_cli: Program, shell: str) -> None:
    """Those of the command and the shared ones, on either side of it."""
    assert told(bare_cli, shell, "get", "--sk") == ["--skip-existing\tSucceed if FILE exists, and keep it."]
    assert (
        told(bare_cli, shell, "--js-d")
        == told(bare_cli, shell, "ls", "--js-d")
        == ["--js-domain\tJetStream domain."]
    )


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (("add", "--storage", ""), ["file", "memory"]),
        (("add", "--storage", "m"), ["memory"]),
        (("add", "--storage=m"), ["--storage=memory"]),
        (("ls", "--sort", ""), ["name", "size", "time"]),
        (("--color", "a"), ["auto", "always"]),
        (("ls", "--color=n"), ["--color=never"]),
        (("put", "b", "k", "--progress", "p"), ["plain"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
        (("ls", "--nonsense", "--sort", "n"), ["name"]),
    ],
)
def test_choices_are_offered(bare_cli: Program, words: tuple[str, ...], offers: list[str]) -> None:
    """Behind a space or an equals sign, and also where the line has mistakes."""
    assert told(bare_cli, "zsh", *words) == offers


@pytest.mark.parametrize(
    "words",
    [
        ("put", "photos", "cat.jpg", ""),
        ("get", "photos", "cat.jpg", "pictures/"),
        ("--creds", ""),
        ("ls", "--tlsca", "/etc/"),
        ("ls", "--tlskey=/etc/"),
    ],
)
def test_where_a_local_file_belongs_the_shell_is_told_so(bare_cli: Program, words: tuple[str, ...]) -> None:
    """It knows best how to complete one."""
    for shell in ("zsh", "fish"):
        assert told(bare_cli, shell, *words) == [completion.FILES]
    assert inserted(bare_cli, " ".join(("natsobj", *words)), "") == [completion.FILES]


@pytest.mark.parametrize("words", [("ls", ""), ("get", "photos", ""), ("rm", "photos", "a", "")])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_without_a_server_nothing_is_offered_and_nothing_said(
    bare_cli: Program, shell: str, words: tuple[str, ...]
) -> None:
    """Soon, for somebody waits at the prompt."""
    began = time.monotonic()
    line = " ".join(("natsobj", *words))
    assert told(bare_cli, shell, *words, NATS_URL=UNREACHABLE, COMP_WORDS=line) == []
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "words", [("ls", "--version", ""), ("--version", "l"), ("ls", "--help", "x"), ("--help", "zz")]
)
def test_tab_does_not_do_what_the_line_says(bare_cli: Program, words: tuple[str, ...]) -> None:
    """Neither the version nor the help is an offer."""
    assert all("natsobj" not in line and "Usage" not in line for line in told(bare_cli, "zsh", *words))


@pytest.mark.parametrize("instruction", ["complete_tcsh", "source_bash", "nonsense", "complete_bash"])
def test_a_question_that_makes_no_sense_gets_no_answer(bare_cli: Program, instruction: str) -> None:
    """Not even a complaint: it would end up in somebody's command line."""
    assert bare_cli(env={"_NATSOBJ_COMPLETE": instruction}) == (0, b"", "")


async def test_names_of_buckets_and_objects_are_offered(cli: Program, bucket: Bucket) -> None:
    """Those that begin like the word, as they are."""
    for key in ("a/b c", "a/b:d", "z"):
        await bucket.put(key, b"")
    for shell in ("zsh", "fish"):
        assert told(cli, shell, "ls", bucket.name[:-2]) == [bucket.name]
        assert told(cli, shell, "get", bucket.name, "a/b") == ["a/b c", "a/b:d"]
        assert told(cli, shell, "rm", bucket.name, "a/b c", "a/b:") == ["a/b:d"]
        assert told(cli, shell, "get", "no-such-bucket", "a") == []


async def test_names_with_control_characters_are_left_out(cli: Program, bucket: Bucket) -> None:
    """A newline or a tab would make another offer of one, an escape would do things to the terminal."""
    for key in ("x\ny", "x\ty", "x\x1b[2Jy", "x\x85y", "xy"):
        await bucket.put(key, b"")
    for shell in ("zsh", "fish"):
        assert told(cli, shell, "get", bucket.name, "x") == ["xy"]
    assert inserted(cli, f"natsobj get {bucket.name} x", "x") == ["xy"]


async def test_a_name_like_an_option_is_offered_behind_two_dashes_only(cli: Program, bucket: Bucket) -> None:
    """Anywhere else it would be read as one."""
    await bucket.put("-f", b"")
    await bucket.put("g", b"")
    assert told(cli, "zsh", "rm", bucket.name, "") == ["g"]
    assert told(cli, "zsh", "rm", bucket.name, "--", "") == ["-f", "g"]


KEY = """it's 5:00 "now" $HOME `x` !a \\n"""


@pytest.mark.parametrize(
    ("word", "replaced", "offer"),
    [
        ("it", "it", r"it\'s\ 5:00\ \"now\"\ \$HOME\ \`x\`\ \!a\ \\n"),
        (r"it\'s\ 5:", "", r"00\ \"now\"\ \$HOME\ \`x\`\ \!a\ \\n"),
        (r"it\'s\ 5:0", "0", r"00\ \"now\"\ \$HOME\ \`x\`\ \!a\ \\n"),
        (r"it\'s\ 5:0", r"it\'s\ 5:0", r"it\'s\ 5:00\ \"now\"\ \$HOME\ \`x\`\ \!a\ \\n"),
        ('"it', "it", """it's 5:00 \\"now\\" \\$HOME \\`x\\` "'!'"a \\\\n"""),
        ("\"it's 5:", "", """00 \\"now\\" \\$HOME \\`x\\` "'!'"a \\\\n"""),
        ("'it", "it", r"""it'\''s 5:00 "now" $HOME `x` !a \n"""),
        (r"'it'\''s 5", r"it'\''s 5", r"""it'\''s 5:00 "now" $HOME `x` !a \n"""),
        (r'"it"\'', r'"it"\'', r"it\'s\ 5:00\ \"now\"\ \$HOME\ \`x\`\ \!a\ \\n"),
    ],
)
async def test_bash_gets_what_fits_behind_what_it_keeps(
    cli: Program, bucket: Bucket, word: str, replaced: str, offer: str
) -> None:
    """It cuts words at colons and quotes, and inserts whatever it gets as it is."""
    await bucket.put(KEY, b"")
    assert inserted(cli, f"natsobj get {bucket.name} {word}", replaced) == [offer]


async def test_bash_gets_letters_of_any_script_as_they_are(cli: Program, bucket: Bucket) -> None:
    """Only what means something to bash is quoted."""
    await bucket.put("Köpfe/日本 語=@1%~", b"")
    assert inserted(cli, f"natsobj get {bucket.name} K", "K") == [r"Köpfe/日本\ 語=@1%\~"]


def test_bash_gets_a_value_without_the_option_it_keeps(bare_cli: Program) -> None:
    """It cuts words at equals signs as well, unless somebody took that away."""
    assert inserted(bare_cli, "natsobj ls --sort=n", "n") == ["name"]
    assert inserted(bare_cli, "natsobj ls --sort=", "") == ["name", "size", "time"]
    assert inserted(bare_cli, "natsobj ls --sort=n", "--sort=n") == ["--sort=name"]


async def test_a_side_of_a_sync_is_a_local_folder_a_bucket_or_a_folder_in_it(
    cli: Program, bucket: Bucket
) -> None:
    """One level at a time; no files, and nothing of a bucket behind a slash."""
    (cli.home / "dist" / "js").mkdir(parents=True)
    (cli.home / "file").touch()
    for key in ("www/a", "www/b/c", "x"):
        await bucket.put(key, b"")
    assert told(cli, "zsh", "sync", "di") == ["dist/"]
    assert told(cli, "zsh", "sync", "dist/") == ["dist/js/"]
    assert told(cli, "zsh", "sync", "fil") == []
    assert told(cli, "zsh", "sync", "dist", bucket.name) == [f"{bucket.name}:"]
    assert told(cli, "zsh", "sync", "dist", f"{bucket.name}:") == [f"{bucket.name}:www/"]
    assert told(cli, "zsh", "sync", "dist", f"{bucket.name}:www/") == [f"{bucket.name}:www/b/"]
    assert inserted(cli, f"natsobj sync dist {bucket.name}:w", "w") == ["www/"]


async def test_a_key_to_be_stored_may_be_the_name_of_a_local_file(cli: Program, bucket: Bucket) -> None:
    """Keys beside it; `get` offers keys only."""
    await bucket.put("cat.png", b"")
    (cli.home / "cat.jpg").touch()
    assert told(cli, "fish", "put", bucket.name, "cat") == ["cat.jpg", "cat.png"]
    assert told(cli, "fish", "get", bucket.name, "cat") == ["cat.png"]
