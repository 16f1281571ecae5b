import type { Cancel, Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import { createLanInstances, type LanInstancesHandler } from './lan-instances.ts'
import { isOnLink, type LanLink } from './lan-link.ts'
import { asksFor, type OwnService, type Query, type Response, recordsOf, sightingsOf } from './lan-records.ts'

const SECOND = 1000
/** The longest packet of mDNS (RFC 6762, section 17). */
export const MAX_PACKET = 9_000
const MDNS_PORT = 5353
/** Packets about our services that are read, on one link. A busy office sends a few a second. */
export const PACKETS: Rate = { perSecond: 50, burst: 300 }
/** An announcement is sent twice, so far apart (RFC 6762, section 8.3). */
const ANNOUNCE_AGAIN = SECOND
/** No record is multicast again sooner (section 6). */
const LEAST_PAUSE = SECOND
const LONGEST_PAUSE = 60 * SECOND
/** A question that another has just asked needn't be asked again, so many times (section 7.3). */
const MOST_POSTPONED = 4

export interface LanPortDeps {
  clock: Clock
  random: Random
  /** Multicasts a query, or a response where there are no questions. Never throws. */
  send(packet: Query | Pick<Response, 'answers'>): void
}

/** The logic of one link: announces this node, answers for it, asks for others and remembers them. No I/O. */
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
  handler: LanInstancesHandler,
): LanPort {
  const known = createLanInstances({ clock, own }, handler)
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
    known.expire()
    askedAt = clock.now()
    send({
      questions: [
        ...services.map((name) => ({ type: 'PTR' as const, name })),
        ...known.nameless().flatMap((name) => [
          { type: 'SRV' as const, name },
          { type: 'TXT' as const, name },
        ]),
      ],
      answers: known.answers(),
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

  /** An instance came without its port; what describes it may be in the next packet already. */
  function askSoon() {
    if (pause === SECOND) return
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
        for (const sighting of sightingsOf(packet, service)) {
          if (known.hear(service, sighting, from) === 'nameless') askSoon()
        }
      }
    },
    stop(politely) {
      stopped = true
      for (const cancel of Object.values(timers)) cancel()
      if (own && politely) send({ answers: recordsOf(own, true) })
      known.clear()
    },
  }
}
