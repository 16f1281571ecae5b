import { silentLog } from '../../src/base/log.ts'
import type { Random } from '../../src/base/random.ts'
import { createMemoryNetwork } from '../../src/net/memory.ts'
import { createOverlay, type Overlay } from '../../src/overlay/overlay.ts'
import { type Identity, idOf } from '../../src/overlay/session/identity.ts'
import { encode } from '../../src/wire/codec.ts'
import type { HeldFile, Message, NodeId, Sha256, WantedFile } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'
import { seeded } from '../seeded.ts'

export interface SimOptions {
  nodes: number
  seed: number
  minConnections?: number
  maxConnections?: number
  ttl?: number
  loss?: number
  /** Hosts with even and with odd numbers are told of their like only: two networks. */
  halves?: boolean
}

export interface SimNode {
  host: string
  overlay: Overlay
  alive: boolean
}

/** One search in the simulator and what came of it. */
export interface SimSearch {
  file: WantedFile
  /** Messages of all nodes for it: queries, answers and strays. */
  messages: number
  /** Of those, as frames. */
  bytes: number
  /** Who answered at all, whether or not the answer came home. */
  answered: Set<NodeId>
  /** Who was told of to the asker. */
  holders: Set<NodeId>
  /** Milliseconds from the start to the first holder. */
  firstAt: number | undefined
  over: boolean
}

/** Proofs that cost nothing: ten thousand nodes greet a hundred thousand times. */
function cheapIdentity(random: Random): Identity {
  const key = random.hex(32)
  const signature = '00'.repeat(64)
  return { id: idOf(key), key, sign: () => signature, verify: (_, __, given) => given === signature }
}

/** Lengths of header and payload (docs/protocol.md). */
const FRAME_HEAD = 8

const hostOf = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
const addressOf = (i: number) => `${hostOf(i)}:8048`

/** One way, 5 to 50 ms, always the same between two hosts: DSL lines across a continent. */
function latency(from: string, to: string): number {
  let hash = 0
  for (const text of [from < to ? from : to, from < to ? to : from]) {
    for (let i = 0; i < text.length; i++)
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x5bd1e995) ^ (hash >>> 13)
  }
  return 5 + ((hash >>> 0) % 46)
}

/** The program's own overlay, thousands of times, over a network in memory and a clock that is wound. */
export async function createSimulation(options: SimOptions) {
  const {
    nodes: count,
    seed,
    minConnections = 3,
    maxConnections = 8,
    ttl = 7,
    loss = 0,
    halves = false,
  } = options
  const clock = createClock()
  const random = seeded(seed)
  const searches = new Map<Sha256, SimSearch>()
  const holdings = new Map<Sha256, Map<string, HeldFile>>()
  const network = createMemoryNetwork({ clock, random }, { latency, loss, onSend })
  const nodes: SimNode[] = []
  let files = 0

  function onSend(message: Message) {
    if (message.type !== 'file' && message.type !== 'fileAck') return
    const search = searches.get(message.files[0]!.sha256)
    if (!search) return
    search.messages++
    search.bytes += FRAME_HEAD + encode(message).header.length
    if (message.type === 'fileAck') search.answered.add(message.way[0]!.id)
  }

  async function startNode(i: number): Promise<SimNode> {
    const host = hostOf(i)
    const overlay = createOverlay(
      {
        transport: network.transport(host),
        identity: cheapIdentity(random),
        clock,
        random,
        log: silentLog,
        holdings: { find: (sha256) => holdings.get(sha256)?.get(host) },
        resolve: async () => [],
        isOnLink: () => false,
      },
      { listen: addressOf(i), minConnections, maxConnections, ttl, agent: 'sim' },
      { onTransfer: (session) => session.handle({ onMessage() {}, onClose() {} }) },
    )
    await overlay.start()
    return { host, overlay, alive: true }
  }

  /** What a webhost would tell: some nodes at random. */
  function introduce(i: number, among: number) {
    const some = Array.from({ length: 10 }, () => random.below(Math.max(1, among))).filter(
      (j) => j !== i && (!halves || j % 2 === i % 2),
    )
    nodes[i]!.overlay.learn(some.map(addressOf), 'stranger')
  }

  /** Winds the clock, letting promises settle every 5 ms. */
  async function run(ms: number) {
    const until = clock.now() + ms
    while (clock.now() < until) {
      clock.advance(Math.min(5, until - clock.now()))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** A new file that a share of the living nodes holds, at least one of them. */
  function place(share: number, among = nodes): WantedFile {
    const sha256 = idOf((files++).toString(16).padStart(64, '0'))
    const file = { sha256, size: 1000, root: sha256, whole: true }
    const living = among.filter(({ alive }) => alive)
    const holders = new Map<string, HeldFile>()
    const target = share === 0 ? 0 : Math.max(1, Math.round(share * living.length))
    while (holders.size < target) holders.set(living[random.below(living.length)]!.host, file)
    holdings.set(sha256, holders)
    return { sha256, size: 1000, name: `file-${files}` }
  }

  function search(asker: SimNode, file: WantedFile): SimSearch {
    const answered = new Set<NodeId>()
    const result: SimSearch = {
      file,
      messages: 0,
      bytes: 0,
      answered,
      holders: new Set(),
      firstAt: undefined,
      over: false,
    }
    searches.set(file.sha256, result)
    const start = clock.now()
    const onHolder = ({ id }: { id: NodeId }) => {
      result.firstAt ??= clock.now() - start
      result.holders.add(id)
    }
    void asker.overlay.find([file], { onHolder }).then(() => {
      result.over = true
      searches.delete(file.sha256)
      holdings.delete(file.sha256)
    })
    return result
  }

  /** A living node that doesn't hold the file. */
  function someAsker(file: WantedFile, among = nodes): SimNode {
    for (;;) {
      const node = among[random.below(among.length)]!
      if (node.alive && !holdings.get(file.sha256)?.has(node.host)) return node
    }
  }

  function kill(node: SimNode) {
    node.alive = false
    network.kill(node.host)
    void node.overlay.stop()
  }

  /** A new program on the same machine. */
  async function revive(node: SimNode) {
    const i = nodes.indexOf(node)
    nodes[i] = await startNode(i)
    introduce(i, count)
  }

  /** Who is whose neighbour now, by id. */
  function graph(): Map<NodeId, NodeId[]> {
    const living = nodes.filter(({ alive }) => alive)
    return new Map(living.map(({ overlay }) => [overlay.id, overlay.neighbours().map(({ id }) => id)]))
  }

  for (let i = 0; i < count; i++) {
    nodes.push(await startNode(i))
    introduce(i, i)
    if (i % 50 === 49) await run(5)
  }
  return { clock, random, network, nodes, run, place, search, someAsker, kill, revive, graph }
}

export type Simulation = Awaited<ReturnType<typeof createSimulation>>

/** Everybody that can be reached from `start`. */
export function reachableFrom(graph: Map<NodeId, NodeId[]>, start: NodeId): Set<NodeId> {
  const reached = new Set([start])
  for (const id of reached) for (const next of graph.get(id) ?? []) if (graph.has(next)) reached.add(next)
  return reached
}

/** Queries sent where only the list on the message stops them: one for each step of each simple path. */
export function pathOnlyMessages(graph: Map<NodeId, NodeId[]>, asker: NodeId, ttl: number): number {
  const onPath = new Set<NodeId>()
  function from(id: NodeId, left: number): number {
    if (left === 0) return 0
    onPath.add(id)
    let sent = 0
    for (const next of graph.get(id) ?? []) if (!onPath.has(next)) sent += 1 + from(next, left - 1)
    onPath.delete(id)
    return sent
  }
  return from(asker, ttl)
}

export function meanDegree(graph: Map<NodeId, NodeId[]>): number {
  let sum = 0
  for (const neighbours of graph.values()) sum += neighbours.length
  return sum / graph.size
}
