import { isAbsolute, resolve } from 'node:path'

/** What a pacman's command line names in place of this machine's own. */
export interface OtherPlaces {
  config?: string
  root?: string
  dbPath?: string
}

const OPTIONS: Record<keyof OtherPlaces, string[]> = {
  config: ['--config'],
  root: ['-r', '--root'],
  dbPath: ['-b', '--dbpath'],
}

/**
 * Where the pacman with this command line has its configuration and databases, if not where the one with `ownConfig` has
 * them. Undefined also where it is no pacman; `unknown` where a path is relative: pacman has changed folder since.
 */
export function otherPlaces(argv: string[], ownConfig: string): OtherPlaces | 'unknown' | undefined {
  const [program, ...words] = argv
  if (program?.split('/').at(-1) !== 'pacman') return undefined
  const places: OtherPlaces = {}
  for (const key of ['config', 'root', 'dbPath'] as const) {
    const path = optionOf(words, OPTIONS[key])
    if (path === undefined) continue
    if (!isAbsolute(path)) return 'unknown'
    places[key] = resolve(path)
  }
  if (places.config === resolve(ownConfig)) delete places.config
  return Object.keys(places).length > 0 ? places : undefined
}

/** The last one counts. */
function optionOf(words: string[], names: string[]): string | undefined {
  let value: string | undefined
  for (const [at, word] of words.entries()) {
    const equals = word.startsWith('--') ? word.indexOf('=') : -1
    if (names.includes(word)) value = words[at + 1]
    else if (equals > 0 && names.includes(word.slice(0, equals))) value = word.slice(equals + 1)
  }
  return value
}
