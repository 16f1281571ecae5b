import { type Stats, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'
import { coalesce } from './coalesce.ts'
import { type PacmanConf, type PacmanConfResult, readPacmanConf } from './pacman-conf.ts'

/** An `Include` of a pattern, or in an included file, isn't looked at: its changes are seen after this. */
const BELIEVED_MS = 5 * 60_000
/** After a failure it is asked for again this soon: what was fixed may be where we don't look. */
const FAILED_MS = 5_000

/**
 * pacman's configuration, asked for again when its file or a mirror list that it includes has changed. While it can't be
 * read, as it was last; undefined if it never could be.
 */
export function createLivePacmanConf(
  {
    log,
    clock,
    problems,
    read = readPacmanConf,
  }: {
    log: Log
    clock: Clock
    problems: Problems
    read?: (file: string) => Promise<PacmanConfResult>
  },
  file: string,
): () => Promise<PacmanConf | undefined> {
  let conf: PacmanConf | undefined
  let version: string | undefined
  let readAt = 0
  let problem: string | undefined
  let watched = [file]

  return coalesce(async () => {
    const now = versionOf(watched)
    if (now === version && clock.now() - readAt < (problem === undefined ? BELIEVED_MS : FAILED_MS))
      return conf
    const result = await read(file)
    if (result.problem) {
      problems.report('pacman-conf', file, {
        problem: `pacman's configuration can't be read: ${result.problem.message.replace(/\.$/, '')}.`,
        fix: `correct ${file}, and let the node's user read it and what it includes`,
        log,
        fields: { err: result.problem, kept: conf !== undefined },
      })
    } else problems.solved('pacman-conf', file)
    problem = result.problem?.message
    conf = result.conf ?? conf
    watched = [file, ...(await includesOf(file))]
    version = versionOf(watched)
    readAt = clock.now()
    return conf
  })
}

/** Of a few files, for each file that pacman asks for: a thread that looks would take ten times as long. */
function versionOf(files: string[]): string {
  const versions = files.map((path) => {
    const found = statOf(path)
    return found ? `${found.ino} ${found.mtimeMs} ${found.ctimeMs} ${found.size}` : ''
  })
  return versions.join('\n')
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}

async function includesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return [...text.matchAll(/^\s*Include\s*=\s*(\S+)\s*$/gm)].map(([, path]) => path!)
}
