// `belay completion SHELL`: a script for the shell, which asks `belay complete -- WORDS…` at each TAB. Names come from the control plane, if it is quick.
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';

const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;
const HELP = `
Examples
  source <(belay completion bash)                    in ~/.bashrc
  belay completion zsh > "\${fpath[1]}/_belay"        then open a new shell
  belay completion fish > ~/.config/fish/completions/belay.fish
  belay completion powershell >> $PROFILE
Commands, options and the names of rollouts, devices, releases, kills and incidents are completed.`;

/** Needs no package of completions, evaluates nothing that was typed, and knows that bash cuts words at ":" and "=". */
const BASH = `# bash completion for belay
_belay() {
    local line="\${COMP_LINE:0:COMP_POINT}" cur kept value rest
    local -a words
    read -ra words <<< "$line"
    [[ "$line" == *[[:space:]] ]] && words+=('')
    cur="\${words[\${#words[@]} - 1]}"
    COMPREPLY=()
    while IFS=$'\\t' read -r value rest; do
        [[ -z "$value" || "$value" == :* ]] || COMPREPLY+=("$value")
    done < <(belay complete -- "\${words[@]:1}" 2>/dev/null)
    if [[ "$cur" == *[:=]* ]]; then
        kept="\${cur%"\${cur##*[:=]}"}"
        COMPREPLY=("\${COMPREPLY[@]#"$kept"}")
    fi
}
complete -o default -F _belay belay
`;

/** Ours, because a name of a release has a ":", which stands before a description where zsh reads it. Evaluates nothing either. */
const ZSH = `#compdef belay
_belay() {
    local line value
    local -a offers
    for line in "\${(@f)$(belay complete -- "\${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
        value="\${line%%$'\\t'*}"
        [[ -z "$value" || "$value" == :* ]] && continue
        if [[ "$line" == *$'\\t'?* ]]; then
            offers+=("\${value//:/\\\\:}:\${line#*$'\\t'}")
        else
            offers+=("\${value//:/\\\\:}")
        fi
    done
    if (( \${#offers} )); then _describe belay offers; else _files; fi
}
if [[ "\${funcstack[1]}" == _belay ]]; then _belay "$@"; else compdef _belay belay; fi
`;

const OWN: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH };

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .argument('<shell>', SHELLS.join(', '))
    .description('print a script for completion in your shell')
    .addHelpText('after', HELP)
    .action(async (shell: string) => {
      if (!SHELLS.some((known) => known === shell)) {
        process.stderr.write(`belay: there is no completion for "${shell}": ${SHELLS.join(', ')}\n`);
        process.exitCode = EXIT.usage;
        return;
      }
      const own = OWN[shell];
      if (own !== undefined) {
        process.stdout.write(own);
        return;
      }
      const { script } = await import('@bomb.sh/tab');
      script(shell, 'belay', 'belay');
    });
}
