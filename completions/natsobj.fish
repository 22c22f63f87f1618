# fish completion for natsobj

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
