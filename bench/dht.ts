/**
 * The DHT's figures: `npm run build && node --import tsx bench/dht.ts [NODES] [SEED]` (200 and 1). All nodes in this process, over UDP
 * on loopback, one in ten of them dead; packages held by three. Prints the table of docs/benchmarks.md.
 */
import { Socket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { sha256 } from '../src/base/sha256.ts'
import { dhtKeys } from '../src/discovery/dht/dht-keys.ts'
import type { DhtNode } from '../src/discovery/dht/dht-node.ts'
import { createTestDht, spray, timeToFirst } from '../test/discovery/dht/dht-network.ts'
import { makePackage } from '../test/e2e/packages.ts'
import { seeded } from '../test/seeded.ts'
import { createLoopback } from './loopback.ts'

const count = Number(process.argv[2] ?? 200)
const random = seeded(Number(process.argv[3] ?? 1))
const PACKAGES = 40
const LOOKUPS = 200
const MALFORMED = 100_000

let exceptions = 0
process.on('uncaughtException', (error) => {
  exceptions++
  console.error(error)
})

/** A packet's own headers. */
const HEADERS = 28
const sent = { packets: 0, bytes: 0 }
const { send } = Socket.prototype
Socket.prototype.send = function (this: Socket, ...words: [Buffer]) {
  sent.packets++
  sent.bytes += words[0].length + HEADERS
  return send.apply(this, words as never)
} as never

const some = <T>(of: T[]): T => of[random.below(of.length)]!
const at = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)

const begin = performance.now()
const { nodes } = await createTestDht(count)
const living = nodes.filter((_, i) => i === 0 || i % 10 !== 0)
const joined = performance.now() - begin

const keys = Array.from({ length: PACKAGES }, (_, i) =>
  dhtKeys().package(sha256(Buffer.from(`package ${i}`))),
)
let announced = 0
for (const key of keys) {
  const holders = new Set<DhtNode>()
  while (holders.size < 3) holders.add(some(living))
  for (const holder of holders) if (await holder.announce(key, 8048)) announced++
}
/** Packets and bytes of all nodes, UDP and IP headers included, for each of some actions in a row. */
async function cost(what: string, actions: (() => Promise<unknown>)[]) {
  Object.assign(sent, { packets: 0, bytes: 0 })
  for (const action of actions) await action()
  const each = (value: number) => Math.round(value / actions.length)
  console.log(`${what}: ${each(sent.packets)} packets, ${each(sent.bytes)} bytes`)
}

const asker = living[2]!
await cost(
  'A lookup to its end',
  keys.map((key) => () => asker.lookup(key, { onPeer() {} })),
)
await cost(
  'A lookup of what nobody has',
  keys.map((_, i) => () => timeToFirst(asker, dhtKeys().package(sha256(Buffer.from(`none ${i}`))))),
)
await cost(
  'An announcement',
  keys.map((_, i) => () => asker.announce(dhtKeys().package(sha256(Buffer.from(`new ${i}`))), 8048)),
)
await Promise.all(nodes.filter((node) => !living.includes(node)).map((node) => node.stop()))

async function measure(what: string, askers: DhtNode[], lookups: number) {
  const times: number[] = []
  let missed = 0
  for (let i = 0; i < lookups; i++) {
    const took = await timeToFirst(some(askers), some(keys))
    if (took === undefined) missed++
    else times.push(took)
  }
  times.sort((a, b) => a - b)
  row(what, `${lookups}`, `${missed}`, ...[0.5, 0.95, 1].map((share) => at(times, share).toFixed(1)))
}

console.log(
  `${count} nodes, ${count - living.length} of them dead; joined in ${(joined / 1000).toFixed(1)} s; ${announced} announcements taken\n`,
)
row('lookups', 'count', 'not found', 'median, ms', '95 %, ms', 'most, ms')
row(...Array(6).fill('---'))
await measure('from anywhere', living, LOOKUPS)
const victim = living[1]!
await measure('from one node', [victim], LOOKUPS)
const spraying = spray(
  victim.listening!,
  MALFORMED,
  random,
  Array.from({ length: 20 }, (_, i) => `127.2.0.${i + 1}`),
)
await measure(`from that node, under malformed packets`, [victim], LOOKUPS)
await spraying
await measure('from that node, afterwards', [victim], LOOKUPS)
console.log(
  `\n${MALFORMED.toLocaleString('en')} malformed packets sent, ${victim.dropped().toLocaleString('en')} dropped; ${exceptions} exceptions`,
)

const lab = await createLoopback([makePackage({ name: 'small', size: 30_000 })])
const add = (name: string, network: string[]) => {
  const listen = `listen = 127.0.0.1:${28_048 + 2 * lab.members.length}`
  return lab.add(name, [], { network: [listen, 'lan = no', ...network] })
}
const daemons = [
  await add('without', ['dht = no']),
  await add('with', ['dht = yes', `dht-bootstrap = ${living[0]!.listening}`]),
]
await sleep(30_000)
const [without, within] = daemons.map(({ node }) => {
  const text = readFileSync(`/proc/${node.daemons()[0]}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+)/.exec(text)![1]) / 1000).toFixed(0)
})
const known = (await daemons[1]!.node.status()).dht!.nodes
console.log(
  `A daemon at rest: ${without} MB without the DHT, ${within} MB with it, which knows ${known} nodes`,
)
await Promise.all(nodes.map((node) => node.stop()))
// The mirror and the daemons end with it.
process.exit()
