import { limits } from '../wire/limits.ts'

/**
 * Whether `name` is one plain name inside a folder: no slash, neither `.` nor `..`, no control characters,
 * at most limits.nameBytes long. What comes from a database, a URL or a peer must pass before it is used.
 */
export function isFileName(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false
  return !/[/\x00-\x1f\x7f]/.test(name) && Buffer.byteLength(name) <= limits.nameBytes
}
