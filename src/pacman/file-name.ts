import { limits } from '../wire/limits.ts'

/**
 * Whether `name` is one plain name inside a folder: no slash, neither `.` nor `..`, no control characters,
 * at most limits.nameBytes long. What comes from a database, a URL or a peer must pass before it is used.
 */
export function isFileName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false
  return !/[/\x00-\x1f\x7f]/.test(name) && Buffer.byteLength(name) <= limits.nameBytes
}

/** The package that a file is of: its name without version, release, architecture and ending. Undefined: of none. */
export function packageOfFile(fileName: string): string | undefined {
  return /^(.+)-[^-]+-[^-]+-[^-]+\.pkg\.tar(?:\.\w+)?$/.exec(fileName)?.[1]
}
