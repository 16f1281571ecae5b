import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../src/base/random.ts'
import type { Outcome } from '../e2e/commands.ts'
import type { Host } from '../e2e/host.ts'
import { labCache, type Package } from '../e2e/packages.ts'
import { CACHE_SERVER, createPacman, type Pacman, type PacmanOptions } from '../e2e/pacman.ts'
import { CURL } from '../e2e/pair.ts'
import { inside } from '../e2e/trixie.ts'
import { seeded } from '../seeded.ts'
import { drawFault, type Fault, type Side } from './faults.ts'
import { besides, emptied, type World } from './world.ts'

/** What came of one transaction. `worse`: curl would have managed; `slow`: both did, pacsrv far later. */
export interface Verdict {
  end: 'good' | 'neither' | 'worse' | 'slow'
  says: string
  seconds: number
  /** What pacman and the daemon had to say of it, where it is bad news. */
  log: string
}

type Way = 'pacman 6' | 'pacman 7' | 'pacman 7 as alpm' | 'CacheServer'
const WAYS: Way[] = ['pacman 6', 'pacman 7', 'pacman 7 as alpm', 'CacheServer']
/** Seconds after which a transaction counts as hung; curl waits for ever where a mirror stalls. */
const PATIENCE = { ours: 90, rivals: 45 }
/** From so many seconds on the rival is asked how long it takes; slower than twice that and so much more is slow. */
const SLOW = 6

export const trixie = () => join(labCache(), 'trixie')

function optionsOf(world: World, way: Way, servers: string[], rival: boolean): PacmanOptions {
  const { lab, asker } = world
  const xfer = rival ? CURL : `XferCommand = ${asker.node.xferCommand}`
  return {
    repositories: { lab: servers },
    options: [
      ...(way === 'CacheServer' ? [] : [xfer]),
      ...(way === 'pacman 7 as alpm' ? ['DownloadUser = alpm'] : []),
      ...(way === 'CacheServer' ? ['ParallelDownloads = 5'] : []),
    ],
    ...(way === 'CacheServer' && !rival ? { cacheServer: CACHE_SERVER } : {}),
    ...(way === 'pacman 6' ? {} : { inside: inside(trixie(), lab.folder) }),
  }
}

interface Plan {
  way: Way
  chosen: Package[]
  faults: Fault[]
  words: string[]
  twoAtOnce: boolean
  keepSync: boolean
}

function draw(world: World, random: Random, withSeven: boolean): Plan {
  const way = withSeven ? WAYS[Math.max(0, random.below(6) - 2)]! : WAYS[0]!
  const rest = [...world.packages]
  const chosen = Array.from(
    { length: 1 + random.below(5) },
    () => rest.splice(random.below(rest.length), 1)[0]!,
  )
  const faults = [drawFault(random, world, chosen)]
  if (random.below(4) === 0) faults.push(drawFault(random, world, chosen))
  const refresh = random.below(3) !== 0
  const operation = `-S${refresh ? 'y' : ''}${random.below(3) === 0 ? 'w' : ''}`
  const words = [operation, ...chosen.map(({ name }) => name)]
  const keepSync = !refresh || random.below(3) !== 0
  return { way, chosen, faults, words, twoAtOnce: random.below(8) === 0, keepSync }
}

/** One pacman with the faults beside it. */
async function run(
  plan: Plan,
  side: Side,
  more: Pacman[],
  seconds: number,
  rival: boolean,
): Promise<Outcome[]> {
  const faults = plan.faults.filter((fault) => !rival || !fault.oursAlone)
  for (const fault of faults) await fault.before?.(side)
  const over = new AbortController()
  const beside = faults.map((fault) => fault.during?.(side, over.signal).catch(() => {}))
  const outcomes = await Promise.all(
    [side.pacman, ...more].map((each) => each.run(plan.words, { timeout: seconds })),
  )
  over.abort()
  await Promise.all(beside)
  return outcomes
}

/** Why this isn't what pacman should have left, or undefined. */
function amiss(pacman: Pacman, chosen: Package[], outcome: Outcome): string | undefined {
  if (outcome.signal) return `ended by ${outcome.signal} after ${outcome.seconds.toFixed(0)} s`
  if (outcome.code !== 0) return `exit ${outcome.code}`
  for (const item of chosen) {
    const path = join(pacman.cache, item.file)
    if (!existsSync(path)) return `exit 0 without ${item.file}`
    if (!readFileSync(path).equals(readFileSync(item.path))) return `exit 0 with a false ${item.file}`
  }
  const left = readdirSync(pacman.cache).filter((name) => name.includes('.part'))
  return left.length > 0 ? `left ${left.join(', ')}` : undefined
}

async function withPacmans(world: World, plan: Plan, host: Host, rival: boolean) {
  const urls = world.mirrors.map(({ mirror }) => `${mirror.url}/lab`)
  const servers = plan.faults.reduce((list, fault) => fault.servers?.(list) ?? list, urls)
  const options = optionsOf(world, plan.way, servers, rival)
  emptied(host, plan.keepSync)
  const pacman = createPacman(host, options)
  const database = join(world.mirrors[0]!.mirror.folder, 'lab/lab.db')
  if (plan.keepSync) cpSync(database, join(pacman.sync, 'lab.db'))
  const more: Pacman[] = []
  if (plan.twoAtOnce && !rival) {
    const second = besides(host, 'second')
    emptied(second, true)
    const other = createPacman(second, options)
    if (plan.keepSync) cpSync(database, join(other.sync, 'lab.db'))
    more.push(other)
  }
  return { side: { world, host, pacman }, more }
}

/** Transaction `n` of a seed: always the same packages and faults; the moments are as the machine has it. */
export async function transact(world: World, seed: number, n: number, withSeven: boolean): Promise<Verdict> {
  const random = seeded(seed * 1_000_003 + n)
  const plan = draw(world, random, withSeven)
  const names = plan.chosen.map(({ name }) => name).join(' ')
  const says = [
    plan.way,
    `${plan.words[0]} ${names}`,
    ...(plan.twoAtOnce ? ['two at once'] : []),
    ...plan.faults.map((fault) => fault.says),
  ].join('; ')
  const logBefore = world.asker.node.log().length
  const { side, more } = await withPacmans(world, plan, world.asker.host, false)
  const outcomes = await run(plan, side, more, PATIENCE.ours, false)
  const wrong = [side.pacman, ...more].map((each, k) => amiss(each, plan.chosen, outcomes[k]!)).find(Boolean)
  const seconds = Math.max(...outcomes.map((each) => each.seconds))
  const log = `${outcomes.map(({ all }) => all).join('\n')}\n${world.asker.node.log().slice(logBefore).split('\n').slice(-80).join('\n')}`
  await world.heal()
  if (wrong && plan.faults.some(({ onceOnly }) => onceOnly))
    return again(world, plan, `${says}: ${wrong}`, log)
  if (!wrong && seconds < SLOW) return { end: 'good', says, seconds, log: '' }
  const rival = await rivals(world, plan)
  if (wrong && rival.wrong) return { end: 'neither', says: `${says}: ${wrong}`, seconds, log }
  const line = `${says}: ${wrong ?? 'done'} in ${seconds.toFixed(1)} s, curl ${rival.wrong ?? 'done'} in ${rival.seconds.toFixed(1)} s`
  if (wrong) return { end: 'worse', says: line, seconds, log }
  const late = !rival.wrong && seconds > 2 * rival.seconds + SLOW
  return { end: late ? 'slow' : 'good', says: line, seconds, log }
}

/** The same transaction without faults; afterwards a daemon that keeps something spoilt doesn't live on. */
async function again(world: World, plan: Plan, says: string, log: string): Promise<Verdict> {
  const calm = { ...plan, faults: [] }
  const { side } = await withPacmans(world, calm, world.asker.host, false)
  const [outcome] = await run(calm, side, [], PATIENCE.ours, false)
  const wrong = amiss(side.pacman, plan.chosen, outcome!)
  const { seconds, all } = outcome!
  if (!wrong) return { end: 'neither', says, seconds, log }
  world.asker.node.signal('SIGKILL')
  await world.heal()
  return { end: 'worse', says: `${says}; and when tried again: ${wrong}`, seconds, log: `${log}\n${all}` }
}

/**
 * The rival at the same. Where it comes through, again with the faults from the start: a line that is cut hits the one
 * in the middle of a file, which waits, and the other before it, which can't connect, and neither is the better for it.
 */
async function rivals(world: World, plan: Plan): Promise<{ wrong: string | undefined; seconds: number }> {
  let seconds = 0
  for (const early of [false, true]) {
    const { side } = await withPacmans(world, plan, world.plain, true)
    const [outcome] = await run(plan, { ...side, early }, [], PATIENCE.rivals, true)
    const wrong = amiss(side.pacman, plan.chosen, outcome!)
    await world.heal()
    if (wrong) return { wrong: early ? `${wrong}, had it been hit before` : wrong, seconds }
    seconds = Math.max(seconds, outcome!.seconds)
  }
  return { wrong: undefined, seconds }
}
