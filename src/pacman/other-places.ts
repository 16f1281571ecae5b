import { isAbsolute, resolve } from 'node:path'

/** What a pacman's command line names in place of this machine's own. */
export interface OtherPlaces {
  config?: string
  root?: string
  dbPath?: string
}

type Named = OtherPlaces & { sysroot?: string }

const LONG: Record<string, keyof Named> = {
  '--config': 'config',
  '--root': 'root',
  '--dbpath': 'dbPath',
  '--sysroot': 'sysroot',
}
/** pacman's only short options with a value: `-Syb /db` and `-r/mnt` are such too. */
const SHORT: Record<string, keyof Named> = { r: 'root', b: 'dbPath' }

/**
 * Where the pacman with this command line has its configuration and databases, if not where the one with `ownConfig` has
 * them. Undefined also where it is no pacman; `unknown` where a path is relative (pacman has changed folder since) or one of
 * a chroot's.
 */
export function otherPlaces(argv: string[], ownConfig: string): OtherPlaces | 'unknown' | undefined {
  const [program, ...words] = argv
  if (program?.split('/').at(-1) !== 'pacman') return undefined
  const { sysroot, ...places } = namedIn(words)
  if (sysroot !== undefined || Object.values(places).some((path) => !isAbsolute(path))) return 'unknown'
  if (places.config !== undefined && resolve(places.config) === resolve(ownConfig)) delete places.config
  return Object.keys(places).length > 0 ? places : undefined
}

/** The last of each counts. */
function namedIn(words: string[]): Named {
  const named: Named = {}
  const left = [...words]
  for (let word = left.shift(); word !== undefined && word !== '--'; word = left.shift()) {
    const [, option = word, attached] =
      /^(--[^=]*)=(.*)$/s.exec(word) ?? /^-[^-]*?([rb])(.*)$/s.exec(word) ?? []
    const key = LONG[option] ?? (option === word ? undefined : SHORT[option])
    if (key === undefined) continue
    const value = attached || left.shift()
    if (value !== undefined) named[key] = value
  }
  return named
}
