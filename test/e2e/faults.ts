import { chmodSync, closeSync, openSync, readSync, statSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { attempt, must } from './commands.ts'
import { type Lab, scenario, type Tool } from './lab.ts'
import type { MirrorRequest } from './mirror.ts'
import { USER } from './node.ts'
import { makePackage, makePackages, type Package } from './packages.ts'
import {
  assertCache,
  createPair,
  type Member,
  type Pair,
  type PairOptions,
  packageRequests,
  secondsByCurl,
} from './pair.ts'
import { withBrokenNode, withoutNode } from './trixie.ts'

/** Something that breaks, and what may be seen of it: pacman succeeds all the same. */
export interface Fault extends PairOptions {
  name: string
  packages: () => Package[]
  /** Once both nodes run. */
  before?: (pair: Pair, lab: Lab) => void | Promise<void>
  /** While pacman downloads. */
  during?: (pair: Pair) => Promise<void>
  /** pacman's operation, `-Sy` unless given. */
  words?: string[]
  /** `log`: what the mirror had to send besides databases. */
  after?: (pair: Pair, log: MirrorRequest[]) => void | Promise<void>
  /** Seconds that it may cost over curl alone. */
  mayCost: number
}

const few = () =>
  makePackages(
    [300, 60_000, 200_000, 900_000, 2_500_000].map((size, n) => ({
      name: `few${n}`,
      size,
      version: '1:1-1',
    })),
  )
const huge = () => [makePackage({ name: 'huge', size: 100_000_000 })]
const MIDDLE = 20_000_000

/** Waits until a fifth of the 100 MB file is there. */
const untilMiddle = (pair: Pair) =>
  pair.asker.node.until('the middle of the file', (status) =>
    status.transfers.some((transfer) => transfer.done >= MIDDLE && transfer.done < transfer.size),
  )

/** pacman itself goes through this, as with a stricter umask or another view of the file system. */
const umask077 = ['sh', '-c', 'umask 077; exec "$@"', 'sh']

const everythingFromMirror = ({ packages }: Pair, log: MirrorRequest[]) =>
  // By CacheServer pacman asks for several at once.
  assert.equal(log.map((request) => request.path).sort(), packages.map((item) => `/lab/${item.file}`).sort())

/** Changes one byte behind the index's back: size, mtime and inode stay. */
function spoil(path: string) {
  const { atime, mtime, size } = statSync(path)
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  const at = Math.floor(size * 0.6)
  readSync(file, byte, 0, 1, at)
  byte[0]! ^= 0xff
  writeSync(file, byte, 0, 1, at)
  closeSync(file)
  utimesSync(path, atime, mtime)
}

/** A spool (or state folder) of `size` (tmpfs's), with `filled` bytes gone already. */
const tiny = (lab: Lab, folder: string, size: string, filled: string) => {
  lab.mount(folder, '-t', 'tmpfs', '-o', `size=${size},mode=755`, 'none')
  must('sh', '-c', `head -c ${filled} /dev/zero > "$1/filler" || true`, 'sh', folder)
  must('chown', `${USER}:`, folder)
}
const tinySpool = (lab: Lab, asker: Member, size: string, filled: string) =>
  tiny(lab, asker.node.spool, size, filled)

/** Longer than every time-out of 10 s, and than a neighbour's patience. */
const SUSPENDED_MS = 20_000

/** Everything on this machine stands still, as in suspend to RAM; the others go on. */
async function suspend({ asker: { host } }: Pair) {
  const all = host.pids(host.folder)
  const signal = (name: string) => attempt('kill', '-s', name, ...all.map(String))
  signal('STOP')
  await new Promise((resolve) => setTimeout(resolve, SUSPENDED_MS))
  signal('CONT')
}

export const faults: Fault[] = [
  {
    name: 'no daemon, and none may be started',
    packages: few,
    unstarted: true,
    asker: { client: ['start = no'] },
    after: everythingFromMirror,
    mayCost: 3,
  },
  {
    name: 'no daemon: the client starts one',
    packages: few,
    unstarted: true,
    after({ asker, packages }, log) {
      assert.is(asker.node.daemons().length, 1)
      assert.ok(log.length < packages.length, `${log.length} packages came from the mirror`)
    },
    mayCost: 3,
  },
  {
    name: 'the daemon is stopped (SIGSTOP)',
    packages: few,
    before: ({ asker }) => asker.node.signal('SIGSTOP'),
    after: everythingFromMirror,
    mayCost: 9,
  },
  {
    name: 'the daemon is stopped in the middle of 100 MB',
    packages: huge,
    holderRate: '160mbit',
    during: async (pair) => {
      await untilMiddle(pair)
      pair.asker.node.signal('SIGSTOP')
    },
    mayCost: 20,
  },
  {
    name: 'the daemon is killed in the middle of 100 MB',
    packages: huge,
    holderRate: '160mbit',
    during: async (pair) => {
      await untilMiddle(pair)
      pair.asker.node.signal('SIGKILL')
    },
    mayCost: 10,
  },
  {
    name: "the holder's daemon is killed in the middle of 100 MB",
    packages: huge,
    holderRate: '160mbit',
    during: async (pair) => {
      await untilMiddle(pair)
      pair.holder.node.signal('SIGKILL')
    },
    mayCost: 10,
  },
  {
    name: "the holder's daemon is stopped in the middle of 100 MB",
    packages: huge,
    holderRate: '160mbit',
    during: async (pair) => {
      await untilMiddle(pair)
      pair.holder.node.signal('SIGSTOP')
    },
    mayCost: 20,
  },
  {
    name: "a byte of the holder's files changed after they were indexed",
    packages: few,
    before: ({ holder, packages }) => {
      for (const item of packages.slice(1, 4)) spoil(join(holder.pacman.cache, item.file))
    },
    after({ packages }, log) {
      const paths = log.map((request) => request.path)
      for (const item of packages.slice(1, 4)) assert.ok(paths.includes(`/lab/${item.file}`), item.file)
    },
    mayCost: 5,
  },
  {
    name: 'no sync database where the daemon looks',
    packages: few,
    asker: { daemon: ['sync-dir = /nowhere/sync'] },
    after: everythingFromMirror,
    mayCost: 3,
  },
  {
    name: 'a full spool',
    packages: few,
    prepare: (lab, asker) => tinySpool(lab, asker, '1m', '2m'),
    mayCost: 3,
  },
  {
    name: 'a spool that fills up on the way',
    packages: few,
    prepare: (lab, asker) => tinySpool(lab, asker, '1m', '100k'),
    mayCost: 3,
  },
  {
    name: 'a state folder that fills up',
    packages: few,
    prepare: (lab, asker) => tiny(lab, asker.node.state, '32k', '24k'),
    mayCost: 3,
  },
  {
    name: 'the machine is suspended in the middle of 100 MB',
    packages: huge,
    holderRate: '160mbit',
    during: async (pair) => {
      await untilMiddle(pair)
      await suspend(pair)
    },
    mayCost: 10 + SUSPENDED_MS / 1000,
  },
  {
    name: 'node missing',
    packages: few,
    unstarted: true,
    inside: (_, host) => withoutNode(join(host.folder, 'hidden')),
    after: everythingFromMirror,
    mayCost: 3,
  },
  {
    name: 'a node that no longer starts',
    packages: few,
    unstarted: true,
    inside: () => withBrokenNode(),
    after: everythingFromMirror,
    mayCost: 3,
  },
  {
    name: 'databases and packages that only root may read, written so by the client',
    packages: few,
    inside: () => umask077,
    async after({ asker }) {
      const { all } = await asker.node.run(['check'])
      assert.match(all, /5 of 5 packages in .* can only be read by root and aren't shared/)
    },
    mayCost: 3,
  },
  {
    name: 'sync databases that only root may read, made so before the daemon started',
    packages: few,
    unstarted: true,
    async before({ asker }) {
      assert.is((await asker.pacman.run(['-Sy'])).code, 0)
      chmodSync(join(asker.pacman.sync, 'lab.db'), 0o600)
      await asker.node.start()
    },
    words: ['-S'],
    mayCost: 3,
  },
]

/**
 * Another test file runs beside this one (run.ts), and others still on the machine below: what takes 1.8 s in quiet has
 * taken 6.5. What is to be found out, a time-out that is waited for, takes 10 s for each file.
 */
const BESIDE_OTHERS = 3

/** Runs one of them and says what it cost. */
export function faultScenario(fault: Fault, pacmanName: string, more: PairOptions = {}, tools: Tool[] = []) {
  const name = `${pacmanName}, ${fault.name}`
  scenario(
    name,
    async (lab) => {
      const pair = await createPair(lab, fault.packages(), { ...fault, ...more })
      await fault.before?.(pair, lab)
      const words = [...(fault.words ?? ['-Sy']), ...pair.packages.map((item) => item.name)]
      const [outcome] = await Promise.all([pair.asker.pacman.run(words), fault.during?.(pair)])
      const log = packageRequests(await pair.mirror.log())
      const plain = await secondsByCurl(lab, pair)
      lab.note(`${name}: ${outcome.seconds.toFixed(2)} s; curl alone ${plain.toFixed(2)} s`)
      assert.is(outcome.code, 0, outcome.all)
      assertCache(pair.asker.pacman, pair.packages)
      await fault.after?.(pair, log)
      const cost = outcome.seconds - plain
      const most = fault.mayCost * BESIDE_OTHERS
      assert.ok(cost <= most, `it cost ${cost.toFixed(2)} s, ${most} s were allowed`)
    },
    tools,
  )
}
