import { PacsrvError } from './error.ts'

/** One `key = value` line. A bare `key` has an empty value, as in pacman.conf. */
export interface ConfigLine {
  section: string
  key: string
  value: string
  /** Counted from 1. */
  line: number
}

/**
 * Reads a file in pacman.conf's manner (after its ini.c): lines are trimmed, `#` begins a comment only at a
 * line's start, keys may repeat. Throws PacsrvError `config` for a line that is none of these.
 */
export function parseConfigFile(text: string, file: string): ConfigLine[] {
  const lines: ConfigLine[] = []
  let section = ''
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    if (line.startsWith('[') && line.endsWith(']')) {
      section = line.slice(1, -1)
      continue
    }
    const equals = line.indexOf('=')
    const key = (equals < 0 ? line : line.slice(0, equals)).trim()
    const value = equals < 0 ? '' : line.slice(equals + 1).trim()
    if (section === '' || key === '') {
      throw configError(file, index + 1, key, section === '' ? 'stands before any [section]' : 'has no key')
    }
    lines.push({ section, key, value, line: index + 1 })
  }
  return lines
}

/** The error of every configuration fault: names file, line and key. */
export function configError(file: string, line: number, key: string, problem: string): PacsrvError {
  return new PacsrvError('config', `${file}, line ${line}: ${key === '' ? 'this line' : key} ${problem}`)
}
