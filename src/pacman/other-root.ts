import { isAbsolute, join } from 'node:path'

const ROOT = new Set(['-r', '--root'])
const DATABASES = new Set(['-b', '--dbpath'])
/** As pacman has it, under its root. */
const USUAL = 'var/lib/pacman'

/**
 * Where the pacman with this command line has its sync databases, if it names another root or database folder. Undefined also
 * where it is no pacman, or the path is relative: pacman has changed folder since.
 */
export function otherSyncDir(argv: string[]): string | undefined {
  const [program, ...words] = argv
  if (program?.split('/').at(-1) !== 'pacman') return undefined
  const root = optionOf(words, ROOT)
  const databases = optionOf(words, DATABASES) ?? (root === undefined ? undefined : join(root, USUAL))
  return databases !== undefined && isAbsolute(databases) ? join(databases, 'sync') : undefined
}

/** The last one counts. */
function optionOf(words: string[], names: Set<string>): string | undefined {
  let value: string | undefined
  for (const [at, word] of words.entries()) {
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    if (names.has(word)) value = words[at + 1]
    else if (equals > 0 && names.has(word.slice(0, equals))) value = word.slice(equals + 1)
  }
  return value
}
