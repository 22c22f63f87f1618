# bash completion for natsobj; needs nothing else, and bash-completion loads it by its name.

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
