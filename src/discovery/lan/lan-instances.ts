import type { Clock } from '../../base/clock.ts'
import { type Answer, instanceOf, type OwnService, type Sighting } from './lan-records.ts'

const SECOND = 1000
/** Instances remembered on one link, and of those from one address. */
export const MAX_KNOWN = 256
export const MAX_EACH = 8
/** Bytes of known answers in a query, so that it stays one frame. */
const KNOWN_BYTES = 1_200
/** Who is heard of again is told of again after so long: somebody may have given it up. */
const TELL_AGAIN = 60 * SECOND
/** Seconds: no instance is believed in longer without being heard of. */
const LONGEST_TTL = 2 * 3600
/** Questions for the port of an instance that came without: so many for each, so many in one query. */
const MOST_ASKED = 3
const MOST_QUESTIONS = 8

/** A running instance of a service, at the address that it was announced from. */
export interface Found {
  service: string
  instance: string
  address: string
  port: number
  txt: Map<string, string>
}

interface Known extends Omit<Found, 'port'> {
  port?: number
  /** Milliseconds that it was to live when it was last heard of, and the end of them. */
  ttl: number
  until: number
  asked: number
  /** By the clock, when it was told of. */
  toldAt?: number
}

export interface LanInstancesHandler {
  /** False when it can't be taken now: it is told of again when it is next heard of. */
  onFound(found: Found): boolean
  onGone(found: Found): void
}

/** The instances that were heard of on one link: bounded, and forgotten when their time is over. */
export interface LanInstances {
  /** `nameless`: an instance has come without its port, and is worth a question. */
  hear(service: string, sighting: Sighting, address: string): 'nameless' | undefined
  /** The names of those whose port is to be asked for now. */
  nameless(): string[]
  /** What a query tells of those known, who then needn't answer (RFC 6762, section 7.1). */
  answers(): Answer[]
  expire(): void
  clear(): void
}

export function createLanInstances(
  { clock, own }: { clock: Clock; own: OwnService | undefined },
  handler: LanInstancesHandler,
): LanInstances {
  const known = new Map<string, Known>()

  function answers(): Answer[] {
    const given: Answer[] = []
    let bytes = 0
    for (const { service, instance, until, ttl } of known.values()) {
      const left = until - clock.now()
      bytes += service.length + instance.length + 14
      if (left > ttl / 2 && bytes <= KNOWN_BYTES) {
        given.push({ type: 'PTR', name: service, ttl: Math.round(left / SECOND), data: instance })
      }
    }
    return given
  }

  function expire() {
    const now = clock.now()
    for (const [key, one] of known) if (one.until <= now) remove(key, one)
  }

  function remove(key: string, one: Known) {
    known.delete(key)
    if (one.toldAt !== undefined) handler.onGone(one as Found)
  }

  function hear(service: string, sighting: Sighting, address: string): 'nameless' | undefined {
    const { instance, ttl, port, txt } = sighting
    if (own && instance === instanceOf(own.id)) return
    const key = `${instance} ${address}`
    const before = known.get(key)
    if (ttl === 0) {
      if (before) remove(key, before)
      return undefined
    }
    const one =
      before ?? (ttl === undefined || isFull(address) ? undefined : blank(service, instance, address))
    if (!one) return undefined
    known.set(key, one)
    if (ttl !== undefined) {
      one.ttl = Math.min(ttl, LONGEST_TTL) * SECOND
      one.until = clock.now() + one.ttl
    }
    if (port !== undefined && port !== one.port) moved(one, port)
    if (txt) one.txt = txt
    if (one.port === undefined) return one.asked < MOST_ASKED ? 'nameless' : undefined
    tell(one as Found & Known)
    return undefined
  }

  function moved(one: Known, port: number) {
    if (one.toldAt !== undefined) handler.onGone({ ...(one as Found) })
    delete one.toldAt
    one.port = port
  }

  function tell(one: Found & Known) {
    const now = clock.now()
    if (one.toldAt !== undefined && now - one.toldAt < TELL_AGAIN) return
    if (handler.onFound(one)) one.toldAt = now
  }

  const blank = (service: string, instance: string, address: string): Known => ({
    service,
    instance,
    address,
    txt: new Map(),
    ttl: 0,
    until: 0,
    asked: 0,
  })

  function isFull(address: string): boolean {
    if (known.size >= MAX_KNOWN) return true
    return [...known.values()].filter((one) => one.address === address).length >= MAX_EACH
  }

  return {
    hear,
    nameless() {
      const all = [...known.values()].filter(({ port, asked }) => port === undefined && asked < MOST_ASKED)
      const toAsk = all.slice(0, MOST_QUESTIONS)
      for (const one of toAsk) one.asked++
      return toAsk.map(({ instance }) => instance)
    },
    answers,
    expire,
    clear() {
      for (const [key, one] of known) remove(key, one)
    },
  }
}
