// The scripts that connect the shells' completion to podrole. Each asks `podrole __complete -- WORDS…` for the
// candidates of the last word, so that the scripts need not change with the commands and their flags. kubectl asks in
// its own way.

/** The shells for which there is a script. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
/** One of these shells. */
export type Shell = (typeof SHELLS)[number];

/** The hidden command that prints candidates. */
export const COMPLETE_COMMAND = "__complete";

/**
 * The program that kubectl runs to complete `kubectl podrole WORDS…`, with the words as its arguments.
 * (https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/)
 */
export const KUBECTL_COMPLETION = "kubectl_complete-podrole";

// bash 3.2, which macOS has, knows neither mapfile nor negative indices. bash makes "--flag=value" three words, and
// replaces only what stands after "=".
const BASH = `# bash completion of podrole. In this shell:  source <(podrole completion bash)
# bash 3.2, on macOS:                            eval "$(podrole completion bash)"
# In every shell: add that line to ~/.bashrc.
_podrole() {
  local word count=0 joins=no words=() line
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ $count -gt 0 && ( $word == "=" || $joins == yes ) ]]; then
      words[count-1]+=$word
      [[ $word == "=" ]] && joins=yes || joins=no
    else
      words[count]=$word
      count=$((count + 1))
      joins=no
    fi
  done
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :0) compopt -o default 2>/dev/null ;;
      :*) ;;
      *) line=\${line%%$'\\t'*}
        [[ $line == --*=* ]] && line=\${line#*=}
        COMPREPLY+=("$line") ;;
    esac
  done < <(podrole ${COMPLETE_COMMAND} -- "\${words[@]}" 2>/dev/null)
}
complete -F _podrole podrole
`;

const ZSH = `#compdef podrole
# zsh completion of podrole. In this shell:  source <(podrole completion zsh)
# In every shell: write it to a file "_podrole" in a folder of $fpath, such as ~/.zfunc, before compinit runs.
_podrole() {
  local line
  local -a candidates
  while IFS= read -r line; do
    case $line in
      :0) _files ;;
      :*) ;;
      *) candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <(podrole ${COMPLETE_COMMAND} -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe -V podrole candidates
}
if [[ \${funcstack[1]} == _podrole ]]; then _podrole "$@"; else compdef _podrole podrole; fi
`;

const FISH = `# fish completion of podrole. In this shell:  podrole completion fish | source
# In every shell: podrole completion fish > ~/.config/fish/completions/podrole.fish
function __podrole_candidates
  set -l words (commandline -opc) (commandline -ct)
  set -e words[1]
  for line in (podrole ${COMPLETE_COMMAND} -- $words 2>/dev/null)
    switch $line
      case ':0'
        __fish_complete_path (commandline -ct)
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c podrole -f -a '(__podrole_candidates)'
`;

/** The script of each shell. */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
