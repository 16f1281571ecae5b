import { machine, type } from 'node:os'
import { execa } from 'execa'
import type { OpenMirror } from './curl.ts'
import type { FetchMany } from './curl-batch.ts'

const PACMAN_MS = 5_000

/**
 * What pacman calls itself to mirrors, of which some serve nobody else; undefined where there is no pacman. The daemon
 * sends it with what it fetches for callers that named none.
 */
export async function readPacmanAgent(): Promise<string | undefined> {
  const { stdout } = await execa('pacman', ['--version'], {
    stdin: 'ignore',
    stderr: 'ignore',
    env: { LC_ALL: 'C' },
    timeout: PACMAN_MS,
    reject: false,
  })
  return pacmanAgent(stdout ?? '', `${type()} ${machine()}`)
}

/** As libalpm puts it together (pacman.c, setuseragent). */
export function pacmanAgent(version: string, system: string): string | undefined {
  const [, pacman, libalpm] = /Pacman v([\w.-]+) - libalpm v([\w.-]+)/.exec(version) ?? []
  return pacman === undefined ? undefined : `pacman/${pacman} (${system}) libalpm/${libalpm}`
}

const named = (agent: string | undefined, environment: Record<string, string>) =>
  agent === undefined ? environment : { HTTP_USER_AGENT: agent, ...environment }

/** Opens mirrors as `open` does, with pacman's User-Agent for a caller that named none. */
export const openAsPacman =
  (agent: string | undefined, open: OpenMirror): OpenMirror =>
  (request, handler) =>
    open({ ...request, environment: named(agent, request.environment) }, handler)

/** The same of many small files. */
export const fetchAsPacman =
  (agent: string | undefined, fetchMany: FetchMany): FetchMany =>
  (urls, options) =>
    fetchMany(urls, { ...options, environment: named(agent, options.environment) })
