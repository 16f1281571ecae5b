import type { Cancel, Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import { isOnLink, type LanLink } from './lan-link.ts'
import {
  type Answer,
  asksFor,
  instanceOf,
  type OwnService,
  type Query,
  type Response,
  recordsOf,
  type Sighting,
  sightingsOf,
} from './lan-records.ts'

const SECOND = 1000
/** The longest packet of mDNS (RFC 6762, section 17). */
export const MAX_PACKET = 9_000
const MDNS_PORT = 5353
/** Packets about our services that are read, on one link. A busy office sends a few a second. */
export const PACKETS: Rate = { perSecond: 50, burst: 300 }
/** Instances remembered on one link, and of those from one address. */
export const MAX_KNOWN = 256
export const MAX_EACH = 8
/** An announcement is sent twice, so far apart (RFC 6762, section 8.3). */
const ANNOUNCE_AGAIN = SECOND
/** No record is multicast again sooner (section 6). */
const LEAST_PAUSE = SECOND
const LONGEST_PAUSE = 60 * SECOND
/** A question that another has just asked needn't be asked again, so many times (section 7.3). */
const MOST_POSTPONED = 4
/** Bytes of known answers in a query, so that it stays one frame. */
const KNOWN_BYTES = 1_200
/** Questions for the port of an instance that came without: so many for each, so many in one query. */
const MOST_ASKED = 3
const MOST_QUESTIONS = 8
/** Who is heard of again is told of again after so long: somebody may have given it up. */
const TELL_AGAIN = 60 * SECOND
/** Seconds: no instance is believed in longer without being heard of. */
const LONGEST_TTL = 2 * 3600

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

export interface LanPortDeps {
  clock: Clock
  random: Random
  /** Multicasts a query, or a response where there are no questions. Never throws. */
  send(packet: Query | Pick<Response, 'answers'>): void
}

export interface LanPortHandler {
  /** False when it can't be taken now: it is told of again when it is next heard of. */
  onFound(found: Found): boolean
  onGone(found: Found): void
}

/** One link's mind: announces this node, answers for it, asks for others and remembers them. No I/O. */
export interface LanPort {
  start(): void
  /** Whether a packet is worth reading: cheap, before anything of it is decoded. */
  accepts(bytes: Buffer, from: { address: string; port: number }): boolean
  onQuery(packet: Query): void
  onResponse(packet: Response, from: string): void
  /** Says goodbye, where `politely`, and forgets everybody. */
  stop(politely: boolean): void
}

export function createLanPort(
  { clock, random, send }: LanPortDeps,
  { link, own, services }: { link: LanLink; own: OwnService | undefined; services: string[] },
  handler: LanPortHandler,
): LanPort {
  const known = new Map<string, Known>()
  const packets = createBucket(clock, PACKETS)
  const marks = services.map((service) => service.split('.')[0]!)
  const timers: Record<'announce' | 'answer' | 'query', Cancel> = {
    announce() {},
    answer() {},
    query() {},
  }
  let answering = false
  let answeredAt = Number.NEGATIVE_INFINITY
  let askedAt = Number.NEGATIVE_INFINITY
  let pause = SECOND
  let postponed = 0
  let stopped = false

  function announce() {
    if (!own) return
    answeredAt = clock.now()
    send({ answers: recordsOf(own) })
  }

  /** Shortly, so that not everybody answers at once (RFC 6762, section 6). */
  const shortly = () => 20 + random.below(101)

  function answer() {
    if (answering) return
    answering = true
    const earliest = Math.max(clock.now() + shortly(), answeredAt + LEAST_PAUSE)
    timers.answer = clock.after(earliest - clock.now(), () => {
      answering = false
      announce()
    })
  }

  function ask() {
    expire()
    const nameless = [...known.values()].filter(({ port, asked }) => port === undefined && asked < MOST_ASKED)
    const toAsk = nameless.slice(0, MOST_QUESTIONS)
    for (const one of toAsk) one.asked++
    askedAt = clock.now()
    send({
      questions: [
        ...services.map((name) => ({ type: 'PTR' as const, name })),
        ...toAsk.flatMap(({ instance: name }) => [
          { type: 'SRV' as const, name },
          { type: 'TXT' as const, name },
        ]),
      ],
      answers: knownAnswers(),
    })
    postponed = 0
    askIn(pause + random.below(pause / 4))
    pause = Math.min(2 * pause, LONGEST_PAUSE)
  }

  /** Its answers are everybody's. */
  function postpone({ questions }: Query) {
    if (pause < LONGEST_PAUSE || postponed >= MOST_POSTPONED) return
    if (!services.every((service) => questions.some(({ name }) => name.toLowerCase() === service))) return
    postponed++
    askIn(pause + random.below(pause / 4))
  }

  function askIn(ms: number) {
    timers.query()
    timers.query = clock.after(ms, ask)
  }

  /** Who is known needn't answer (RFC 6762, section 7.1). */
  function knownAnswers(): Answer[] {
    const answers: Answer[] = []
    let bytes = 0
    for (const { service, instance, until, ttl } of known.values()) {
      const left = until - clock.now()
      bytes += service.length + instance.length + 14
      if (left > ttl / 2 && bytes <= KNOWN_BYTES) {
        answers.push({ type: 'PTR', name: service, ttl: Math.round(left / SECOND), data: instance })
      }
    }
    return answers
  }

  function expire() {
    const now = clock.now()
    for (const [key, one] of known) if (one.until <= now) remove(key, one)
  }

  function remove(key: string, one: Known) {
    known.delete(key)
    if (one.toldAt !== undefined) handler.onGone(one as Found)
  }

  function hear(service: string, sighting: Sighting, address: string) {
    const { instance, ttl, port, txt } = sighting
    if (own && instance === instanceOf(own.id)) return
    const key = `${instance} ${address}`
    const before = known.get(key)
    if (ttl === 0) {
      if (before) remove(key, before)
      return
    }
    const one =
      before ?? (ttl === undefined || isFull(address) ? undefined : blank(service, instance, address))
    if (!one) return
    known.set(key, one)
    if (ttl !== undefined) {
      one.ttl = Math.min(ttl, LONGEST_TTL) * SECOND
      one.until = clock.now() + one.ttl
    }
    if (port !== undefined && port !== one.port) moved(one, port)
    if (txt) one.txt = txt
    if (one.port === undefined) askSoon(one)
    else tell(one as Found & Known)
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

  /** An instance came without its port; what describes it may be in the next packet already. */
  function askSoon({ asked }: Known) {
    if (asked >= MOST_ASKED || pause === SECOND) return
    pause = SECOND
    askIn(Math.max(shortly(), askedAt + LEAST_PAUSE - clock.now()))
  }

  return {
    start() {
      announce()
      timers.announce = clock.after(ANNOUNCE_AGAIN, announce)
      askIn(shortly())
    },
    accepts(bytes, from) {
      if (stopped || bytes.length > MAX_PACKET || from.port !== MDNS_PORT || !isOnLink(link, from.address)) {
        return false
      }
      const text = bytes.toString('latin1').toLowerCase()
      return marks.some((mark) => text.includes(mark)) && packets.take()
    },
    onQuery(packet) {
      if (stopped) return
      if (own && asksFor(own, packet)) answer()
      postpone(packet)
    },
    onResponse(packet, from) {
      if (stopped) return
      for (const service of services) {
        for (const sighting of sightingsOf(packet, service)) hear(service, sighting, from)
      }
    },
    stop(politely) {
      stopped = true
      for (const cancel of Object.values(timers)) cancel()
      if (own && politely) send({ answers: recordsOf(own, true) })
      for (const [key, one] of known) remove(key, one)
    },
  }
}
