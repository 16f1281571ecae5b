/**
 * Discovery on a LAN: nodes of default configuration in network namespaces on one switch. How long until a newcomer
 * has all others for neighbours, how many mDNS packets each sends at rest, and what it costs in memory.
 * `npm run build && node --import tsx bench/lan.ts [NODES] [SECONDS]` (20, 60); needs root, ip and nft.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Host } from '../test/e2e/host.ts'
import { createLab } from '../test/e2e/lab.ts'
import { createNode, type PacsrvNode } from '../test/e2e/node.ts'
import { createPacman } from '../test/e2e/pacman.ts'
import { median } from './loopback.ts'

const count = Number(process.argv[2] ?? 20)
const restSeconds = Number(process.argv[3] ?? 60)
/** For the greeting, and for questions to have become rare. */
const CALM_S = 30
const COUNTER = `table inet mdns {
  chain out {
    type filter hook output priority filter;
    udp dport 5353 counter
  }
}`

const lab = createLab()

function createOne(name: string, lan: string): { host: Host; node: PacsrvNode } {
  const host = lab.host(name)
  const pacman = createPacman(host, { repositories: {} })
  return {
    host,
    node: createNode(lab, host, pacman.config, { network: [`lan = ${lan}`], daemon: ['log-level = info'] }),
  }
}

/** MB that the daemon has to itself or shares: its resident set. */
function memoryOf({ node }: { node: PacsrvNode }): number {
  const text = readFileSync(`/proc/${node.daemons()[0]}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(text)![1]) / 1024
}

async function packetsOf({ host }: { host: Host }): Promise<number> {
  const { stdout } = await host.exec(['nft', 'list', 'table', 'inet', 'mdns'])
  return Number(/packets (\d+)/.exec(stdout)![1])
}

const all = Array.from({ length: count }, (_, i) => createOne(`node${i}`, 'yes'))
for (const { host } of all) {
  const { code, all: said } = await host.exec(['nft', COUNTER])
  if (code !== 0) throw new Error(`nft: ${said}`)
}
const alone = Array.from({ length: 3 }, (_, i) => createOne(`alone${i}`, 'no'))
for (const { node } of [...alone, ...all.slice(0, -1)]) await node.start()
await all[0]!.node.until('its neighbours', ({ peers }) => peers.length === count - 2, 60)
await sleep(3_000)

const newcomer = all.at(-1)!
await newcomer.node.start()
await newcomer.node.until('all neighbours', ({ peers }) => peers.length === count - 1, 30)
const log = newcomer.node.log().split('\n')
const lines = log.filter(Boolean).map((line) => JSON.parse(line) as { time: number; msg: string })
const runs = lines.find(({ msg }) => msg.endsWith(' runs'))!.time
const met = lines.filter(({ msg }) => /^neighbour (came|found)/.test(msg)).map(({ time }) => time - runs)

await sleep(CALM_S * 1000)
const before = await Promise.all(all.map(packetsOf))
await sleep(restSeconds * 1000)
const after = await Promise.all(all.map(packetsOf))
const rates = after.map((packets, i) => (packets - before[i]!) / restSeconds)

const row = (...cells: string[]) => console.log(`| ${cells.join(' | ')} |`)
row(`${count} nodes on a switch, IPv4 and IPv6`, '')
row('---', '---')
row('the newcomer: its first neighbour, and the last', `${Math.min(...met)} ms, ${Math.max(...met)} ms`)
row(
  `mDNS packets a node a second over ${restSeconds} s at rest: median, most`,
  `${median(rates).toFixed(3)}, ${Math.max(...rates).toFixed(3)}`,
)
const [withLan, without] = [all, alone].map((nodes) => median(nodes.map(memoryOf))) as [number, number]
row(
  `a daemon's memory with ${count - 1} neighbours; with lan = no`,
  `${withLan.toFixed(1)} MB; ${without.toFixed(1)} MB`,
)
lab.close()
process.exit(0)
