import type { Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { WantedFile } from '../../wire/messages.ts'
import { type PacserveHttp, urlOf } from './pacserve-http.ts'
import { createPacserveSource } from './pacserve-source.ts'
import type { ChunkSource, MakeChunkSource, SourceOwner } from './source.ts'

/** Servers remembered, and asked for one file. */
export const MAX_SERVERS = 64
/** One that doesn't answer rests for so long, in milliseconds, and for twice as long each time after that. */
const FIRST_REST = 30_000
const LONGEST_REST = 3_600_000
/** One that gave something false is left out for so long, in milliseconds. */
const BAR = 3_600_000
/** Servers that haven't answered yet hold the mirror back for no longer than this, in milliseconds. */
const GRACE = 150

/** pacredir's servers on the LAN: no nodes, so nobody vouches for what they give. */
export interface Pacserve {
  /** A server has come or gone. */
  set(server: Endpoint, there: boolean): void
  /** To ask all of them for a file. */
  search(file: WantedFile, signal: AbortSignal, handler: PacserveHandler): PacserveSearch
}

export interface PacserveHandler {
  join(make: MakeChunkSource, owner: SourceOwner): ChunkSource
  drop(source: ChunkSource): void
  onChange(): void
}

/** The servers of one job. */
export interface PacserveSearch {
  begin(): void
  /** Whether one may yet say that it has the file, and is worth waiting for. */
  readonly awaited: boolean
  /** By the clock, when the first said that it has the file. */
  readonly firstAt: number | undefined
  /** Whether one is at work that has given something. */
  readonly delivering: boolean
  /** So the list was true, and who was rejected is barred. */
  wholeRight(): void
  /**
   * The whole is wrong, and for some of it there was nobody's word but theirs and members': all that gave any are
   * barred. Whether there are such.
   */
  wholeWrong(): boolean
}

interface Server {
  there: boolean
  failures: number
  notBefore: number
}

export function createPacserve({
  clock,
  log,
  http,
}: {
  clock: Clock
  log: Log
  http: Pick<PacserveHttp, 'has' | 'open'>
}): Pacserve {
  const servers = new Map<Endpoint, Server>()
  /** By address: another port is no other server. */
  const barred = new Map<string, number>()

  const isBarred = (server: Endpoint) => (barred.get(hostPort(server).host) ?? 0) > clock.now()

  function bar(server: Endpoint) {
    log.warn({ server }, 'a server of pacredir gave something false; it is left out for an hour')
    barred.set(hostPort(server).host, clock.now() + BAR)
  }

  /** Who has gone is remembered for as long as there is room: to come again is no new beginning. */
  function hasRoom(): boolean {
    for (const [server, { there }] of servers) {
      if (servers.size < MAX_SERVERS) break
      if (!there) servers.delete(server)
    }
    return servers.size < MAX_SERVERS
  }

  function failed(server: Endpoint) {
    const known = servers.get(server)
    if (!known) return
    known.notBefore = clock.now() + Math.min(FIRST_REST * 2 ** known.failures, LONGEST_REST)
    known.failures++
  }

  function search(file: WantedFile, signal: AbortSignal, handler: PacserveHandler): PacserveSearch {
    const joined = new Map<ChunkSource, Endpoint>()
    const taken = new Set<Endpoint>()
    const doubted = new Set<Endpoint>()
    let began = clock.now()
    let asking = 0
    let firstAt: number | undefined

    async function ask(server: Endpoint, known: Server) {
      try {
        const has = await http.has(server, file, signal)
        known.failures = 0
        if (has && !signal.aborted) admit(server)
      } catch (error) {
        if (signal.aborted) return
        failed(server)
        log.debug({ server, problem: asError(error).message }, 'a server of pacredir does not answer')
      } finally {
        asking--
        if (!signal.aborted) handler.onChange()
      }
    }

    function admit(server: Endpoint) {
      firstAt ??= clock.now()
      const label = `pacserve ${server}`
      const source = handler.join(
        (sources) =>
          createPacserveSource(
            { open: http.open, clock },
            {
              url: urlOf(server, file),
              size: file.size,
              label,
              handler: {
                ...sources,
                onChunk(from, chunk, bytes) {
                  taken.add(server)
                  sources.onChunk(from, chunk, bytes)
                },
              },
            },
          ),
        {
          role: 'server',
          gone() {
            joined.delete(source)
            failed(server)
          },
          rejected(certain) {
            joined.delete(source)
            if (certain) bar(server)
            else doubted.add(server)
          },
          vouchesFor: () => undefined,
        },
      )
      joined.set(source, server)
    }

    return {
      begin() {
        const due = [...servers].filter(
          ([server, { there, notBefore }]) => there && notBefore <= clock.now() && !isBarred(server),
        )
        if (due.length === 0) return
        began = clock.now()
        asking = due.length
        for (const [server, known] of due) void ask(server, known)
        signal.addEventListener('abort', clock.after(GRACE, handler.onChange))
      },
      get awaited() {
        return asking > 0 && clock.now() - began < GRACE
      },
      get firstAt() {
        return firstAt
      },
      get delivering() {
        return [...joined.values()].some((server) => taken.has(server))
      },
      wholeRight() {
        for (const server of doubted) bar(server)
      },
      wholeWrong() {
        for (const server of taken) bar(server)
        for (const source of joined.keys()) handler.drop(source)
        joined.clear()
        return taken.size > 0
      },
    }
  }

  return {
    set(server, there) {
      const known = servers.get(server)
      if (known) known.there = there
      else if (there && hasRoom()) servers.set(server, { there, failures: 0, notBefore: 0 })
    },
    search,
  }
}
