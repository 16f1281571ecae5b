import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/base/random.ts'
import { startFalseHolder } from '../e2e/holders.ts'
import type { Host } from '../e2e/host.ts'
import type { Package } from '../e2e/packages.ts'
import type { Pacman } from '../e2e/pacman.ts'
import type { Member } from '../e2e/pair.ts'
import { moodNames, moodOf } from './moods.ts'
import type { World } from './world.ts'

/** Who a fault is done to: pacman through pacsrv, or its rival with curl alone. */
export interface Side {
  world: World
  host: Host
  pacman: Pacman
  /** Each fault begins before pacman does, whatever moment was drawn. */
  early?: boolean
}

/** One fault with everything drawn, so that the rival meets the same. */
export interface Fault {
  says: string
  /** It breaks what the rival doesn't have. */
  oursAlone?: true
  /** It spoils what has come so far, as it would what curl has written: once that has failed, a second try must do. */
  onceOnly?: true
  /** What it makes of the mirrors' URLs. */
  servers?: (servers: string[]) => string[]
  before?(side: Side): void | Promise<void>
  /** While pacman runs; ends soon when `signal` says that it no longer does. */
  during?(side: Side, signal: AbortSignal): Promise<void>
}

type Draw = (random: Random, world: World, chosen: Package[]) => Fault

const ours = (says: string, fault: Omit<Fault, 'says' | 'oursAlone'>): Fault => ({
  says,
  oursAlone: true,
  ...fault,
})

/** At a moment of the download, or before it. */
function moment(random: Random, act: (side: Side) => void | Promise<void>, within = 1_200) {
  const ms = random.below(4) === 0 ? 0 : random.below(within)
  const at = ms === 0 ? 'before' : `at ${ms} ms`
  if (ms === 0) return { at, before: act }
  return {
    at,
    before: (side: Side) => (side.early ? act(side) : undefined),
    async during(side: Side, signal: AbortSignal) {
      if (side.early) return
      await sleep(ms, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await act(side)
    },
  }
}

/** For a while, or until the transaction is over. */
function spell(
  random: Random,
  begin: (side: Side) => void | Promise<void>,
  end: (side: Side) => void | Promise<void>,
) {
  const first = moment(random, begin)
  const ms = random.below(2) === 0 ? 200 + random.below(4_000) : undefined
  return {
    ...first,
    at: `${first.at}${ms ? ` for ${ms} ms` : ''}`,
    async during(side: Side, signal: AbortSignal) {
      await first.during?.(side, signal)
      if (!ms) return
      await sleep(ms, undefined, { signal }).catch(() => {})
      await end(side)
    },
  }
}

function from({ at, ...rest }: { at: string } & Omit<Fault, 'says'>, says: string): Fault {
  return ours(`${says} ${at}`, rest)
}

const stopAll = (member: Member, name: NodeJS.Signals) => member.node.signal(name)

const killed: Draw = (random, { asker }) => {
  const name = (['SIGKILL', 'SIGTERM'] as const)[random.below(2)]!
  return from(
    moment(random, () => stopAll(asker, name)),
    `the daemon gets ${name}`,
  )
}

const stopped: Draw = (random, { asker }) =>
  from(
    spell(
      random,
      () => stopAll(asker, 'SIGSTOP'),
      () => stopAll(asker, 'SIGCONT'),
    ),
    'the daemon is stopped',
  )

const restarted: Draw = (random, { asker }) =>
  from(
    moment(random, async () => {
      stopAll(asker, 'SIGTERM')
      // It may meet one that the front has started meanwhile: then it ends by itself.
      await asker.node.start().catch(() => {})
    }),
    'the daemon is restarted',
  )

const diskFull: Draw = (random, world) => {
  const which = (['spool', 'state'] as const)[random.below(2)]!
  const left = random.below(2) === 0 ? 0 : random.below(20_000_000)
  const restart = random.below(3) === 0
  const act = async () => {
    world.fill(world.asker.node[which], left)
    if (!restart) return
    stopAll(world.asker, 'SIGKILL')
    await world.asker.node.start().catch(() => {})
  }
  return from(
    moment(random, act),
    `the ${which}'s disk is full but for ${left} bytes${restart ? ', restarted' : ''}`,
  )
}

/** What curl needs, and a little more; or not even that. */
const cacheFull: Draw = (random, _, chosen) => {
  const need = chosen.reduce((sum, { size }) => sum + Math.ceil(size / 4096) * 4096, 0)
  const left = random.below(3) === 0 ? random.below(need) : need + 65_536
  return {
    says: `the cache's disk has ${left} bytes for ${need}`,
    before: ({ world, pacman }) => world.fill(pacman.cache, left),
  }
}

const hostOf = (random: Random, world: World): { name: string; host: Host; ours: boolean } => {
  const n = random.below(4)
  if (n < 2) return { name: `mirror ${n + 1}`, host: world.mirrors[n]!.host, ours: false }
  return { name: `holder ${n - 1}`, host: world.holders[n - 2]!.host, ours: true }
}

const unplugged: Draw = (random, world) => {
  const { name, host, ours } = hostOf(random, world)
  const link = (way: 'up' | 'down') => () => world.plug(host, way)
  const { at, ...rest } = spell(random, link('down'), link('up'))
  return { says: `${name} is unplugged ${at}`, ...(ours ? { oursAlone: true as const } : {}), ...rest }
}

const ownLine: Draw = (random) => {
  const link = (way: 'up' | 'down') => (side: Side) => side.world.plug(side.host, way)
  const { at, ...rest } = spell(random, link('down'), link('up'))
  return { says: `the machine's own line is gone ${at}`, ...rest }
}

const noNames: Draw = (random) => {
  const n = random.below(4)
  return {
    says: `DNS is gone for ${n > 0 ? 'the first mirror' : 'both mirrors'}`,
    servers: (urls) =>
      n > 0 ? ['http://mirror.invalid/lab', urls[1]!] : ['http://a.invalid/lab', 'http://b.invalid/lab'],
  }
}

const refusing: Draw = (random) => {
  const both = random.below(4) === 0
  const closed = (url: string) => url.replace(/:\d+/, ':9')
  return {
    says: `${both ? 'both mirrors refuse' : 'the first mirror refuses'} connections`,
    servers: ([a, b]) => [closed(a!), both ? closed(b!) : b!],
  }
}

const holderGone: Draw = (random, world) => {
  const holder = world.holders[random.below(2)]!
  const name = (['SIGKILL', 'SIGSTOP', 'SIGTERM'] as const)[random.below(3)]!
  return from(
    moment(random, () => stopAll(holder, name)),
    `${holder.host.name}'s daemon gets ${name}`,
  )
}

const lied: Draw = (random, { liar }, chosen) => {
  const large = chosen.filter(({ size }) => size > 200_000)
  const item = (large.length > 0 ? large : chosen)[0]!
  const deed = (['rots', 'lies'] as const)[random.below(2)]!
  const before = async () => {
    // A second one has no port left.
    if (liar.pids('false-holder').length === 0) await startFalseHolder(liar, { item, deed })
  }
  return ours(`a peer ${deed} about ${item.name}`, { before })
}

const jumped: Draw = (random, world) => {
  const day = (random.below(2) === 0 ? 1 : -1) * random.below(40 * 86_400_000)
  const running = random.below(2) === 0 ? 0 : random.below(7_200_000)
  const act = () => world.jump(day, running)
  return from(moment(random, act), `the clocks jump by ${day} and ${running} ms`)
}

/** Overwrites, cuts or removes a file under whoever has it open. */
function harm(path: string, deed: number, at: number) {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found?.isFile()) return
  const { size } = found
  if (deed === 0) return rmSync(path, { force: true })
  if (deed === 1) return truncateSync(path, at % (size + 1))
  const file = openSync(path, 'r+')
  writeSync(
    file,
    Buffer.alloc(Math.min(100, size), 0x5a),
    0,
    Math.min(100, size),
    at % Math.max(1, size - 100),
  )
  closeSync(file)
}
const DEEDS = ['removed', 'cut', 'overwritten']

const spoolHarmed: Draw = (random, { asker }) => {
  const [deed, at] = [random.below(3), random.below(1_000_000)]
  const act = () => {
    for (const name of readdirSync(asker.node.spool, { recursive: true, encoding: 'utf8' })) {
      if (name !== 'filler') harm(join(asker.node.spool, name), deed, at)
    }
  }
  return { ...from(moment(random, act), `the spool's files are ${DEEDS[deed]}`), onceOnly: true }
}

const holderHarmed: Draw = (random, { holders }, chosen) => {
  const [deed, at] = [random.below(3), random.below(1_000_000)]
  const act = () => {
    for (const { pacman } of holders) for (const { file } of chosen) harm(join(pacman.cache, file), deed, at)
  }
  return from(moment(random, act), `the holders' files are ${DEEDS[deed]}`)
}

/** Others' packages come and go, whole, half and false, in the cache that the daemon watches. */
const cacheStirred: Draw = (random, { packages }, chosen) => {
  const others = packages.filter((item) => !chosen.includes(item))
  const [item, n, cut] = [others[random.below(others.length)]!, 5 + random.below(20), random.below(2_000)]
  return ours(`${item.name} comes and goes in the cache ${n} times`, {
    async during({ pacman }, signal) {
      const path = join(pacman.cache, item.file)
      for (let turn = 0; turn < n && !signal.aborted; turn++) {
        copyFileSync(item.path, path)
        if (turn % 3 === 1) truncateSync(path, Math.min(cut, item.size))
        if (turn % 3 === 2) copyFileSync(chosen[0]!.path, path)
        await sleep(40)
        rmSync(path, { force: true })
      }
    },
  })
}

const DRAWS: Record<string, Draw> = {
  killed,
  stopped,
  restarted,
  diskFull,
  cacheFull,
  unplugged,
  ownLine,
  noNames,
  refusing,
  holderGone,
  lied,
  jumped,
  spoolHarmed,
  holderHarmed,
  cacheStirred,
}

/** A third of all faults are a mirror's. */
export function drawFault(random: Random, world: World, chosen: Package[]): Fault {
  const names = Object.keys(DRAWS)
  if (random.below(3) === 0) return moodOf(moodNames[random.below(moodNames.length)]!, random, chosen)
  return DRAWS[names[random.below(names.length)]!]!(random, world, chosen)
}
