import type { Cancel, Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, type HostPort } from '../../base/endpoint.ts'
import { asError, PacsrvError, systemCode } from '../../base/error.ts'
import { type Log, silentLog } from '../../base/log.ts'
import type { Problems } from '../../base/problems.ts'
import { jitter, type Random } from '../../base/random.ts'
import type { NodeId } from '../../wire/messages.ts'

const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 5 * 60_000
/** A connection that lasted this long, in milliseconds, starts the pauses afresh. */
const SOUND = 60_000

export interface DirectDeps {
  clock: Clock
  random: Random
  log: Log
  problems: Problems
  /** The addresses of a host by name. */
  resolve(host: string): Promise<string[]>
  /** Connects as a neighbour that is always kept; resolves to the node's id. */
  dial(address: Endpoint): Promise<NodeId>
  isConnected(id: NodeId): boolean
}

/** One `[direct]` server, kept connected: redialled with pauses that grow from 1 s to 5 min. */
export interface Direct {
  /** `host:port`. */
  readonly name: string
  /** Who was met there last. */
  readonly id: NodeId | undefined
  start(): void
  stop(): void
  /** It is no longer wanted: nothing is wrong with it either. */
  drop(): void
  /** A neighbour has gone; perhaps this one. */
  left(id: NodeId): void
}

export function createDirect(deps: DirectDeps, server: HostPort): Direct {
  const { clock, random, log, problems } = deps
  const name = `${server.host}:${server.port}`
  let id: NodeId | undefined
  let connectedAt = 0
  let failures = 0
  let stopped = true
  let waiting: Cancel = () => {}

  async function connect(): Promise<NodeId> {
    const numeric = endpoint(server.host, server.port)
    const hosts = numeric === undefined ? await deps.resolve(server.host) : [server.host]
    let last: unknown = new Error(`${server.host} has no address`)
    for (const host of hosts) {
      const address = endpoint(host, server.port)
      if (address === undefined || stopped) continue
      try {
        return await deps.dial(address)
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  async function attempt() {
    if (stopped || (id !== undefined && deps.isConnected(id))) return
    try {
      id = await connect()
      connectedAt = clock.now()
      problems.solved('direct', name)
      if (!deps.isConnected(id)) again()
    } catch (error) {
      log.debug({ server: name, error: asError(error).message }, '[direct] server out of reach')
      if (!stopped) complain(error)
      again()
    }
  }

  function complain(error: unknown) {
    // Of another key the log has heard.
    const isKey = error instanceof PacsrvError && error.code === 'key'
    const unknown = { ENOTFOUND: 'there is no host', EAI_AGAIN: 'no DNS server knows the host' }[
      systemCode(error) ?? ''
    ]
    const why = unknown ? `${unknown} ${server.host}` : asError(error).message.replace(/\.$/, '')
    problems.report('direct', name, {
      problem: `The [direct] server ${name} can't be reached: ${why}.`,
      fix: isKey
        ? 'put the same key-file on both machines ([network] key-file)'
        : unknown
          ? 'correct its name under [direct], or see that DNS works'
          : `see that pacsrv runs there, and that its firewall lets TCP port ${server.port} in`,
      log: isKey ? silentLog : log,
    })
  }

  function again() {
    if (stopped) return
    const pause = Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE)
    failures = Math.min(failures + 1, 16)
    waiting()
    waiting = clock.after(Math.min(jitter(pause, random), LONGEST_PAUSE), () => void attempt())
  }

  function stop() {
    stopped = true
    waiting()
  }

  return {
    name,
    get id() {
      return id
    },
    start() {
      stopped = false
      void attempt()
    },
    stop,
    drop() {
      stop()
      problems.solved('direct', name)
    },
    left(gone) {
      if (gone !== id) return
      if (clock.now() - connectedAt > SOUND) failures = 0
      again()
    },
  }
}
