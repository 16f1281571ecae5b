/** Completions of pacsrv-xfer for three shells, from the same table as `--help` and the manual page. */
import {
  type CommandName,
  type CommandOption,
  commandOptions,
  commands,
  commonOptions,
} from '../src/cli/commands.ts'

interface Shell {
  /** Where a package installs it. */
  path: string
  script: string
}

interface Option {
  type: string
  short?: string
  value?: string
  summary: string
}

const names = Object.keys(commands) as CommandName[]
const common = Object.entries<Option>(commonOptions)
const optionsOf = (name: CommandName): [string, Option][] =>
  commands[name].options.map((option: CommandOption) => [option, commandOptions[option]])
const withPackage = names.filter((name) => commands[name].operands.length > 0)

/** Prints the names of all packages that the sync databases have. */
const PACKAGES = 'pacman -Slq 2>/dev/null'

export function completions(): Shell[] {
  return [
    { path: 'bash-completion/completions/pacsrv-xfer', script: bash() },
    { path: 'zsh/site-functions/_pacsrv-xfer', script: zsh() },
    { path: 'fish/vendor_completions.d/pacsrv-xfer.fish', script: fish() },
  ]
}

const long = ([name]: [string, Option]) => `--${name}`

function bash(): string {
  const cases = names.map((name) => `    ${name}) words='${optionsOf(name).map(long).join(' ')}' ;;`)
  return `# bash completion for pacsrv-xfer
_pacsrv_xfer() {
  local line=\${COMP_LINE:0:COMP_POINT} before cur previous= command= words= word
  # Not from COMP_WORDS: bash breaks words at the colon of a URL, too.
  cur=\${line##* }
  read -ra before <<<"\${line% *}"
  for word in "\${before[@]:1}"; do
    case $previous,$word in
    --config,* | *,-*) ;;
    *) command=\${command:-$word} ;;
    esac
    previous=$word
  done
  case $previous in
  --config) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
  ${valued('|')}) return ;;
  esac
  case $command in
    '') words='${[...names, ...common.map(long)].join(' ')}' ;;
${cases.join('\n')}
    *://*) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return ;;
  esac
  case $command,$cur in
  ${withPackage.map((name) => `${name},-*`).join(' | ')}) ;;
  ${withPackage.map((name) => `${name},*`).join(' | ')}) words+=" $(${PACKAGES})" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _pacsrv_xfer pacsrv-xfer
`
}

/** Options whose value nothing is known of. */
function valued(separator: string): string {
  return Object.entries<Option>(commandOptions)
    .filter(([, { value }]) => value !== undefined)
    .map(long)
    .join(separator)
}

function zsh(): string {
  const spec = ([name, { short, value, summary }]: [string, Option], rest = '') => {
    const text = `[${summary.replace(/[[\]:]/g, '\\$&')}]${value ? `:${value.replaceAll(':', ' ')}:${rest}` : ''}`
    return short ? `'(-${short} --${name})'{-${short},--${name}}'${text}'` : `'--${name}${text}'`
  }
  const described = names.map((name) => `    '${name}:${commands[name].summary.replaceAll("'", "'\\''")}'`)
  const cases = names.map((name) => {
    const specs = [
      ...optionsOf(name).map((option) => spec(option)),
      ...(withPackage.includes(name) ? ["'1:package:_pacsrv-xfer_packages'"] : []),
    ]
    return `  ${name}) ${specs.length > 0 ? `_arguments ${specs.join(' ')}` : '_message "nothing more goes here"'} ;;`
  })
  return `#compdef pacsrv-xfer
_pacsrv-xfer_packages() {
  local -a packages
  packages=(\${(f)"$(${PACKAGES})"})
  compadd -a packages
}

_pacsrv-xfer() {
  local curcontext="$curcontext" state line
  local -a commands
  commands=(
${described.join('\n')}
  )
  _arguments -C \\
${common.map((option) => `    ${spec(option, '_files')} \\`).join('\n')}
    '1:command or URL:->command' '*::argument:->argument' && return
  case $state in
  command) _describe command commands; return ;;
  esac
  case $words[1] in
${cases.join('\n')}
  *://*) _files ;;
  esac
}
_pacsrv-xfer "$@"
`
}

function fish(): string {
  const quote = (text: string) => `'${text.replace(/['\\]/g, '\\$&')}'`
  const line = (...words: string[]) => ['complete -c pacsrv-xfer', ...words].join(' ')
  const option = ([name, { short, value, summary }]: [string, Option], ...words: string[]) =>
    line(
      ...words,
      ...(short ? [`-s ${short}`] : []),
      `-l ${name}`,
      ...(value === 'FILE' ? ['-r -F'] : value ? ['-x'] : []),
      `-d ${quote(summary)}`,
    )
  const at = (name: string) => `-n 'test (__pacsrv_xfer_command) = ${name}'`
  return `# fish completion for pacsrv-xfer
# The command or URL, or none.
function __pacsrv_xfer_command
  set -l previous
  for word in (commandline -opc)[2..] none
    if test "$previous" != --config; and not string match -q -- "-*" $word
      echo $word
      return
    end
    set previous $word
  end
end

${[
  line('-f'),
  ...common.map((each) => option(each)),
  ...names.map((name) => line(at('none'), `-a ${name}`, `-d ${quote(commands[name].summary)}`)),
  ...names.flatMap((name) => optionsOf(name).map((each) => option(each, at(name)))),
  ...withPackage.map((name) => line(at(name), `-a '(${PACKAGES})'`)),
  line('-n \'string match -q -- "*://*" (__pacsrv_xfer_command)\'', '-F'),
].join('\n')}
`
}
