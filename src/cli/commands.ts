/**
 * The command line, described once: for main.ts, which reads it, and for `--help`, the man page and the completions.
 * Texts are in the man pages' markup (man/roff.ts).
 */
interface Command {
  /** The words that must follow it. */
  operands: string[]
  options: CommandOption[]
  summary: string
  /** What the man page says more. */
  text: string
}

/** As parseArgs of node:util reads it, and more. */
interface Option {
  type: 'string' | 'boolean'
  short?: string
  /** What follows it; without, it stands alone. */
  value?: string
  summary: string
}

export type CommandName = keyof typeof commands
export type CommandOption = 'json' | 'watch' | 'listen'

export const WEBHOST_LISTEN = '[::]:8050'

/** Those that go with every command. */
export const commonOptions = {
  config: { type: 'string', value: 'FILE', summary: 'read FILE instead of /etc/pacsrv.conf; give it first' },
  help: {
    type: 'boolean',
    short: 'h',
    summary: 'print this summary; after a command, what it does',
  },
  version: { type: 'boolean', short: 'V', summary: 'print the version' },
} as const satisfies Record<string, Option>

export const commandOptions = {
  json: { type: 'boolean', summary: 'print JSON, on one line' },
  watch: { type: 'boolean', summary: 'show it anew each second, until Ctrl-C' },
  listen: { type: 'string', value: 'ADDRESS:PORT', summary: `listen there instead of at ${WEBHOST_LISTEN}` },
} as const satisfies Record<CommandOption, Option>

export const commands = {
  daemon: {
    operands: [],
    options: [],
    summary: 'run the node in the foreground',
    text: `This is what **pacsrv.service** runs. It ends on SIGTERM or SIGINT, and reads its configuration again on SIGHUP.
Started by root, it becomes the user of **[daemon] user** before it opens a port. If a node answers on the socket
already, it says so and exits with 0.`,
  },
  announce: {
    operands: [],
    options: [],
    summary: 'tell the daemon to look at the package cache now',
    text: `The hook *90-pacsrv-announce.hook* runs it after each transaction. If packages of that transaction came through
pacsrv, it prints one line: how many, and from whom. Otherwise it prints nothing. It waits for the daemon for at most a fifth of
a second, and exits with 0 even if no daemon runs. The daemon also watches the cache by itself.`,
  },
  status: {
    operands: [],
    options: ['json', 'watch'],
    summary: 'show what goes on, the neighbours, what was saved',
    text: `The first line says what is going on: the worst that is wrong, or what is being fetched, how fast and from whom,
or that the node is idle. What is saved are the bytes that came from other machines, so that no mirror had to send them. What the
node knows to be wrong stands at the end, each with its fix, until it is right again. With **--watch** a terminal is drawn over
each second, and is as before in the end; elsewhere an empty line parts one block from the next, or, with **--json**, each is a
line. A daemon that stops or restarts meanwhile is shown to be gone until it answers again; Ctrl-C ends it, with exit status 0.
The same is at http://127.0.0.1:8049/ for a browser, and at **/status** there as JSON.`,
  },
  find: {
    operands: ['PACKAGE'],
    options: ['json'],
    summary: 'ask the network who has a package',
    text: `*PACKAGE* is the name of a package, such as *zlib*; or the name of its file, such as
*zlib-1:1.3.1-2-x86_64.pkg.tar.zst*; or a URL, as **pacman -Sp** prints it. A package's name means the version that is in
the sync databases now. Exits with 1 if nobody has it.`,
  },
  prefetch: {
    operands: [],
    options: ['json'],
    summary: 'fetch what the next pacman -Syu would need',
    text: `pacman's databases stay as they are: the daemon downloads newer ones to a folder of its own, as
**checkupdates**(8) does. The packages are kept in **[cache] keep-dir** until pacman has taken them, for a week at most, and are
offered to others meanwhile. It does nothing on a line that NetworkManager calls metered, or on battery, unless **[network]
metered = yes**. Enable **pacsrv-prefetch.timer** to run it each night. Exits with 1 if something couldn't be fetched.`,
  },
  check: {
    operands: [],
    options: [],
    summary: 'say what is wrong with this set-up, and how to fix it',
    text: `It looks at both configurations, programs, users, folders, who can read what, room on the disks, the
daemon, its ports, the clock and the neighbours. It changes nothing. Each problem is a line, its fix an indented one below.
Exits with 1 if there is a problem. Run it as root: others can't look everywhere.`,
  },
  webhost: {
    operands: [],
    options: ['listen'],
    summary: 'run a server that tells nodes of each other',
    text: `Nodes whose **[network] webhost** names its URL, *http://HOST:8050/announce*, are told of each other. It
keeps everything in memory and needs no privileges; started by root, it becomes the user of **[daemon] user**. The unit
**pacsrv-webhost.service** runs it.`,
  },
} satisfies Record<string, Command>

/** `find FILE [--json]`. */
export function synopsis(name: CommandName): string {
  const { operands, options }: Command = commands[name]
  return [
    name,
    ...operands,
    ...options.map((option) => `[${spelling(option, commandOptions[option])}]`),
  ].join(' ')
}

/** `-V, --version`, `--config FILE`. */
export function spelling(name: string, { short, value }: Option): string {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`
}

/** What `COMMAND --help` prints. */
export function commandHelp(name: CommandName): string {
  const { summary, text, options }: Command = commands[name]
  const plain = text.replace(/\*+([^*]+)\*+/g, '$1')
  return [
    `usage: pacsrv-xfer [--config FILE] ${synopsis(name)}`,
    '',
    `${summary[0]!.toUpperCase()}${summary.slice(1)}.`,
    '',
    plain,
    ...(options.length > 0 ? ['', 'Options:', ...optionRows(pick(options))] : []),
  ].join('\n')
}

const pick = (names: CommandOption[]) =>
  Object.fromEntries(names.map((name): [string, Option] => [name, commandOptions[name]]))

const rows = (list: [string, string][]) => list.map(([left, right]) => `  ${left.padEnd(32)}  ${right}`)
const optionRows = (list: Record<string, Option>) =>
  rows(Object.entries(list).map(([name, option]) => [spelling(name, option), option.summary]))

/** What `--help` prints. */
export function help(): string {
  const names = Object.keys(commands) as CommandName[]
  return [
    'usage: pacsrv-xfer [--config FILE] URL OUT',
    '       pacsrv-xfer [--config FILE] COMMAND',
    '',
    "URL OUT fetches URL into the file OUT: pacman's XferCommand. In pacman.conf:",
    '  XferCommand = /usr/bin/pacsrv-xfer %u %o',
    '',
    'Commands:',
    ...rows(names.map((name) => [synopsis(name), commands[name].summary])),
    '',
    'Options:',
    ...optionRows({ ...commonOptions, ...commandOptions }),
    '',
    'More: man pacsrv-xfer, man pacsrv.conf, man 7 pacsrv',
  ].join('\n')
}
