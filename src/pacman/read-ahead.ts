/**
 * What a running pacman is about to download (docs/architecture.md, pacman 3): its own command line, asked again with
 * `--print`. Pure; whatever isn't understood gives undefined, and pacman is then served file by file.
 */

/** Letters of `-S…` that change nothing of what is downloaded. */
const DROPPED = new Set('ywvq')
/** Letters that belong to the question. */
const KEPT = new Set('ud')
/** Long options that do, with an argument or without. */
const WITH_ARGUMENT = new Set([
  '--config',
  '--root',
  '--dbpath',
  '--cachedir',
  '--arch',
  '--ignore',
  '--ignoregroup',
])
const WITH_PATH = new Set(['--config', '--root', '--dbpath', '--cachedir'])
const SHORT_WITH_PATH = new Map([
  ['-r', '--root'],
  ['-b', '--dbpath'],
])
const WITHOUT_ARGUMENT = new Set(['--sysupgrade', '--nodeps', '--needed'])
/** Long options that change nothing. `--color` takes an argument. */
const DROPPED_LONG = new Set([
  '--refresh',
  '--downloadonly',
  '--noconfirm',
  '--confirm',
  '--noprogressbar',
  '--disable-download-timeout',
  '--verbose',
  '--quiet',
  '--asdeps',
  '--asexplicit',
  '--dbonly',
  '--noscriptlet',
])
const DROPPED_WITH_ARGUMENT = new Set([
  '--color',
  '--overwrite',
  '--logfile',
  '--gpgdir',
  '--hookdir',
  '--assume-installed',
])

/** The arguments for the question, or undefined where it can't be asked. `argv` is the pacman's own. */
export function readAheadArguments(argv: string[]): string[] | undefined {
  const [program, ...words] = argv
  if (program?.split('/').at(-1) !== 'pacman') return undefined
  const kept: string[] = []
  const targets: string[] = []
  let isSync = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const [name, glued] = splitOption(SHORT_WITH_PATH.get(word) ?? word)
    if (!word.startsWith('-')) targets.push(word)
    else if (name === '--sync') isSync = true
    else if (WITHOUT_ARGUMENT.has(name)) kept.push(name)
    else if (DROPPED_LONG.has(name)) continue
    else if (WITH_ARGUMENT.has(name) || DROPPED_WITH_ARGUMENT.has(name)) {
      const argument = glued ?? words[++at]
      // pacman has changed folder since it was started: a relative path means something else by now.
      if (argument === undefined || (WITH_PATH.has(name) && !argument.startsWith('/'))) return undefined
      if (WITH_ARGUMENT.has(name)) kept.push(name, argument)
    } else {
      const letters = word.startsWith('--') ? undefined : shortLetters(word)
      if (!letters) return undefined
      isSync ||= letters.isSync
      if (letters.kept) kept.push(`-${letters.kept}`)
    }
  }
  if (!isSync) return undefined
  return ['-S', ...kept, '-p', '--noconfirm', '--print-format', '%r %s %l', '--', ...targets]
}

function splitOption(word: string): [string, string | undefined] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)]
}

/** `-Syu` and the like; undefined for another operation, a letter unknown here, or `-` (targets from stdin). */
function shortLetters(word: string): { isSync: boolean; kept: string } | undefined {
  const letters = [...word.slice(1)]
  if (letters.length === 0) return undefined
  let kept = ''
  for (const letter of letters) {
    if (KEPT.has(letter)) kept += letter
    else if (letter !== 'S' && !DROPPED.has(letter)) return undefined
  }
  return { isSync: letters.includes('S'), kept }
}

/** What `--print` printed: URLs in the order in which pacman will ask; what is cached already is left out. */
export function parsePrinted(output: string): string[] {
  return output.split('\n').flatMap((line) => {
    const url = /^\S+ \d+ (\S+)$/.exec(line)?.[1]
    return url !== undefined && /^(https?|ftp):\/\//i.test(url) ? [url] : []
  })
}
