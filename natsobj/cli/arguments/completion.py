"""Completion in bash, zsh and fish: the scripts for the shells, and the program's answers to their TAB.

A script runs the program with `_NATSOBJ_COMPLETE=complete_SHELL`. In zsh and fish the arguments are the words
of the line up to the cursor, the last one unfinished and all of them without quotes. bash cuts words in
pieces (`COMP_WORDBREAKS`) and inserts an offer as it is: it gives the line in `COMP_WORDS`, and in
`_NATSOBJ_WORD` the end of it that an offer replaces, and it gets offers that are quoted to fit there (plain
ones where the latter is missing).

The answer is an offer a line, in zsh and fish with a tab and its description, or only `FILES`: the shell then
completes local files, which it can do best. No offer has a control character.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from natsobj.cli.arguments.grammar import (
    ClickCommand,
    CompletionItem,
    Context,
    Parameter,
    TyperGroup,
    word_to_complete,
)

__all__ = ["FILES", "SHELLS", "answer", "script"]

FILES = "\tfiles"
"""Begins like no offer can."""

_LOCAL_FILE = "FILE"
"""What the help calls a local file is one for TAB as well."""


def script(shell: str) -> str:
    """Give the completion script of `bash`, `zsh` or `fish`."""
    return SHELLS[shell]


def answer(command: ClickCommand, instruction: str, env: Mapping[str, str], args: Sequence[str]) -> str:
    """Answer `complete_SHELL`; after any error nothing is offered: TAB is not the place to report it."""
    shell = instruction.removeprefix("complete_")
    with suppress(Exception):
        if shell == "bash":
            *before, current = _raw_words(env["COMP_WORDS"])
            words = [_unquoted(word)[0] for word in before[1:]]
            offers = _offers(command, words, _unquoted(current)[0])
            lines = _for_bash(offers, current, env.get("_NATSOBJ_WORD"))
        else:
            lines = [_with_help(offer) for offer in _offers(command, args[:-1], args[-1])]
        return "".join(f"{line}\n" for line in lines)
    return ""


def _offers(command: ClickCommand, words: Sequence[str], current: str) -> list[CompletionItem]:
    """Find what may stand in the place of the current word, after these words."""
    ctx, target, text = word_to_complete(command, "natsobj", words, current)
    if isinstance(target, Parameter) and (
        target.metavar == _LOCAL_FILE or (target.name == "context" and text.startswith(("/", ".", "~")))
    ):
        return [CompletionItem(FILES)]
    option = current.removesuffix(text)  # the `--sort=` of `--sort=na`
    offers = [
        CompletionItem(option + str(item.value), help=_help(target, ctx, item))
        for item in target.shell_complete(ctx, text)
    ]
    if isinstance(target, Parameter) and "--" not in words:
        return [offer for offer in offers if option or not offer.value.startswith("-")]
    return offers


def _help(target: ClickCommand | Parameter, ctx: Context, item: CompletionItem) -> str | None:
    """Give the description of an offer, which for a command would come cut after 45 characters."""
    command = target.get_command(ctx, item.value) if isinstance(target, TyperGroup) else None
    return item.help if command is None else command.get_short_help_str(limit=100)


def _with_help(offer: CompletionItem) -> str:
    return f"{offer.value}\t{' '.join(offer.help.split())}" if offer.help else str(offer.value)


# What bash needs


_RAW_WORD = re.compile(
    r"""(?: '[^']*'? | "(?:\\.|[^"\\])*(?:"|\\?$) | \\. | \\$ | [^\s'"\\] )+""", re.VERBOSE | re.DOTALL
)
_NOT_PLAIN = re.compile(r"[^\w@%+=:,./-]", re.ASCII)
_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'["$`\\]')


def _raw_words(line: str) -> list[str]:
    """Split a line where a shell does and leave the quotes in; the last word is what stands at its end."""
    found = list(_RAW_WORD.finditer(line))
    words = [each[0] for each in found]
    return words if found and found[-1].end() == len(line) else [*words, ""]


def _unquoted(raw: str) -> tuple[str, str]:
    """Take the quotes away, and say which one is still open at the end."""
    value, quote, rest = "", "", iter(raw)
    for char in rest:
        if char == "\\" and quote != "'":
            following = next(rest, "")
            value += "\\" + following if quote and following not in '"$`\\' else following
        elif char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
        else:
            value += char
    return value, quote


def _for_bash(offers: Sequence[CompletionItem], current: str, replaced: str | None) -> list[str]:
    """Make of each offer what has to be inserted instead of `replaced`, the end of the current word."""
    if replaced is None or (offers and offers[0].value == FILES):
        return [str(offer.value) for offer in offers]
    kept, quote = _unquoted(current.removesuffix(replaced))
    return [_quoted(offer.value[len(kept) :], quote) for offer in offers]


def _quoted(text: str, quote: str) -> str:
    """Write a text so that bash reads it as it is, inside of the quote that is open."""
    if quote == "'":
        return text.replace("'", r"'\''")
    if quote == '"':
        escaped = _SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\g<0>", text)
        return escaped.replace("!", "\"'!'\"")  # or it means history
    return _NOT_PLAIN.sub(lambda match: match[0] if match[0] > "\x7f" else "\\" + match[0], text)


# The scripts


_BASH = r"""# bash completion for natsobj; needs nothing else, and bash-completion loads it by its name.

_natsobj() {
  local program=$1 answer offer
  COMPREPLY=()
  if [[ $3 == [\<\>\&]* ]]; then return; fi # a redirection: bash completes files
  if [[ $program == '~/'* ]]; then program=$HOME/${program:2}; fi
  if ! type -P "$program" >/dev/null; then program=natsobj; fi
  answer=$(
    env _NATSOBJ_COMPLETE=complete_bash COMP_WORDS="${COMP_LINE:0:COMP_POINT}" _NATSOBJ_WORD="$2" \
      "$program" </dev/null 2>/dev/null
  )
  if [[ $answer == $'\tfiles' ]]; then return; fi
  compopt +o default +o bashdefault 2>/dev/null
  if [[ -z $answer ]]; then return; fi
  while IFS= read -r offer; do COMPREPLY+=("$offer"); done <<<"$answer"
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[/:] ]]; then compopt -o nospace 2>/dev/null; fi
}

complete -o bashdefault -o default -F _natsobj natsobj
"""

_ZSH = r"""#compdef natsobj
# zsh completion for natsobj: in a folder of $fpath as _natsobj, or sourced.

_natsobj() {
  local program=${(Q)words[1]} quote=$compstate[quote] line name
  local -a answer names folders described
  if [[ $program == '~/'* ]]; then program=$HOME/${program:2}; fi
  if [[ ! -x $program ]] && (( ! $+commands[$program] )); then program=natsobj; fi
  answer=("${(@f)$(
    _NATSOBJ_COMPLETE=complete_zsh command $program \
      "${(@Q)words[2,CURRENT-1]}" "${(Q)${:-$quote$PREFIX$quote}}" </dev/null 2>/dev/null
  )}")
  if [[ $answer[1] == $'\tfiles' ]]; then
    if [[ $PREFIX == --*=* ]]; then compset -P '*='; fi
    _files
    return
  fi
  for line in $answer; do
    if [[ $line == *$'\t'* ]]; then
      name=${${${line%%$'\t'*}//\\/\\\\}//:/\\:}
      described+=("$name:${line#*$'\t'}")
    elif [[ $line == *[/:] ]]; then
      folders+=("$line")
    else
      names+=("$line")
    fi
  done
  if (( $#described )); then _describe -t offers offer described; fi
  if (( $#names )); then compadd -a names; fi
  if (( $#folders )); then compadd -S '' -a folders; fi
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _natsobj "$@" # the first TAB
else
  if (( ! $+functions[compdef] )); then autoload -Uz compinit && compinit; fi
  compdef _natsobj natsobj
fi
"""

_FISH = r"""# fish completion for natsobj

function __natsobj_offers
    set -l words (commandline -opc)
    set -l variables
    while string match -qr '^\w+=' -- $words[1]
        set -a variables $words[1]
        set -e words[1]
    end
    set -l program $words[1]
    set -e words[1]
    if string match -q '~/*' -- $program
        set program $HOME(string sub -s 2 -- $program)
    end
    if not command -q $program
        set program natsobj
    end
    set -l token (commandline -ct)
    set -l current (string unescape -- $token)
    set -a variables _NATSOBJ_COMPLETE=complete_fish
    set -l answer (env $variables $program $words "$current" </dev/null 2>/dev/null)
    if test "$answer[1]" = \tfiles
        set -l option (string match -r '^--[^=]*=' -- $token)
        set -l path (string replace -r '^--[^=]*=' '' -- $token)
        for each in (complete -C "__natsobj_files $path") # a command that has no completions
            printf '%s\n' "$option$each"
        end
    else if set -q answer[1]
        printf '%s\n' $answer
    end
end

complete -c natsobj -f -a '(__natsobj_offers)'
"""

SHELLS: Mapping[str, str] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""The script of each shell that is supported."""
