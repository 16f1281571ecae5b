import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { attempt, must, waitFor } from '../e2e/commands.ts'
import type { Host } from '../e2e/host.ts'
import type { Lab } from '../e2e/lab.ts'
import { createMember } from '../e2e/member.ts'
import { createMirror, type Mirror } from '../e2e/mirror.ts'
import { USER } from '../e2e/node.ts'
import { makePackage, type Package } from '../e2e/packages.ts'
import type { Member } from '../e2e/pair.ts'

/** Two mirrors, two holders, a host for liars, an asker, and the rival that has curl alone. */
export interface World {
  lab: Lab
  packages: Package[]
  mirrors: { host: Host; mirror: Mirror }[]
  holders: Member[]
  liar: Host
  asker: Member
  /** The rival's, which knows no pacsrv. */
  plain: Host
  /** Fills the file system of `folder` but for `left` bytes. */
  fill(folder: string, left: number): void
  /** Takes a host off the switch, or puts it back. */
  plug(host: Host, way: 'up' | 'down'): Promise<void>
  /** The asker's daemon has its clocks jump (jumping-clock.cjs). */
  jump(day: number, running: number): void
  /** Everything as it was before the fault: daemons run, disks have room, links are up, holders have their files. */
  heal(): Promise<void>
}

const SIZES = [300, 4_000, 30_000, 70_000, 150_000, 400_000, 900_000, 2_500_000]
const JUMPING = join(import.meta.dirname, 'jumping-clock.cjs')
/** So fast is a mirror in its best mood: bytes/s for each answer. */
export const MIRROR_RATE = 4_000_000
/** Of each tmpfs: the spool leaves 16 MiB to others. */
const DISK = { spool: '80m', state: '16m', cache: '96m' }

export const makeAll = (): Package[] =>
  Array.from({ length: 40 }, (_, n) => makePackage({ name: `chaos${n}`, size: SIZES[n % SIZES.length]! }))

export async function createWorld(lab: Lab): Promise<World> {
  const packages = makeAll()
  const mirrors: World['mirrors'] = []
  for (const name of ['mirror1', 'mirror2']) {
    const host = lab.host(name)
    const mirror = await createMirror(host)
    mirror.publish('lab', packages)
    await mirror.behave([{ bytesPerSecond: MIRROR_RATE }])
    mirrors.push({ host, mirror })
  }
  const first = mirrors[0]!.mirror
  // One in five packages nobody has.
  const shares = [
    packages.filter((_, n) => n % 5 !== 0),
    packages.filter((_, n) => n % 5 === 1 || n % 5 === 3),
  ]
  const holders: Member[] = []
  for (const [n, holds] of shares.entries()) {
    holders.push(await createMember(lab, first, lab.host(`holder${n}`, { rate: '100mbit' }), { holds }))
  }
  const liar = lab.host('liar')
  const plain = lab.host('plain')
  const host = lab.host('asker')
  tmpfs(lab, join(host.folder, 'pacman/cache'), DISK.cache)
  tmpfs(lab, join(plain.folder, 'pacman/cache'), DISK.cache)
  tmpfs(lab, join(host.folder, 'pacsrv/spool'), DISK.spool, USER)
  tmpfs(lab, join(host.folder, 'pacsrv/state'), DISK.state, USER)
  const jumpFile = join(host.folder, 'jump')
  const jumpingClock = join(lab.folder, 'jumping-clock.cjs')
  copyFileSync(JUMPING, jumpingClock)
  const asker = await createMember(lab, first, host, {
    sections: {
      direct: [...holders.map((each) => each.host), liar].map((each) => `server = ${each.address}:8048`),
    },
    env: { NODE_OPTIONS: `--require ${jumpingClock}`, PACSRV_LAB_JUMP: jumpFile },
  })
  const withNeighbours = () =>
    waitFor('the neighbours', async () => ((await peersOf(asker.node.socket)) ?? 0) >= holders.length, 3)
  await withNeighbours()

  const fillers = new Set<string>()
  const unplugged = new Set<Host>()
  const world: World = {
    lab,
    packages,
    mirrors,
    holders,
    liar,
    asker,
    plain,
    fill(folder, left) {
      const filler = join(folder, 'filler')
      fillers.add(filler)
      const free = Number(must('stat', '-f', '-c', '%a', folder)) * 4096
      if (free > left) attempt('fallocate', '-l', String(free - left), filler)
    },
    async plug(host, way) {
      unplugged.add(host)
      await host.exec(['ip', 'link', 'set', 'eth0', way])
    },
    jump(day, running) {
      writeFileSync(jumpFile, `${day} ${running}`)
      for (const pid of asker.node.daemons()) {
        // One that the front has started knows no such signal.
        if (attempt('cat', `/proc/${pid}/environ`).includes('PACSRV_LAB_JUMP'))
          attempt('kill', '-USR2', String(pid))
      }
    },
    async heal() {
      for (const path of fillers) rmSync(path, { force: true })
      fillers.clear()
      for (const host of unplugged) await world.plug(host, 'up')
      unplugged.clear()
      for (const { mirror } of mirrors) await mirror.behave([{ bytesPerSecond: MIRROR_RATE }])
      for (const pid of liar.pids('false-holder')) attempt('kill', '-9', String(pid))
      for (const [n, holder] of holders.entries()) {
        restore(holder.pacman.cache, shares[n]!)
        await revive(holder)
      }
      await revive(asker)
      await withNeighbours().catch(async () => {
        // One was banned, for what its disk did, or gone for so long that it is asked seldom.
        asker.node.signal('SIGKILL')
        await revive(asker)
        await withNeighbours()
      })
    },
  }
  return world
}

function tmpfs(lab: Lab, folder: string, size: string, owner = 'root') {
  mkdirSync(folder, { recursive: true })
  lab.mount(folder, '-t', 'tmpfs', '-o', `size=${size},mode=755`, 'none')
  must('chown', `${owner}:`, folder)
}

/** A daemon that answers: the one that is there, or a new one. */
async function revive({ node }: Member) {
  node.signal('SIGCONT')
  if (node.daemons().length === 1 && (await peersOf(node.socket)) !== undefined) return
  node.signal('SIGKILL')
  await waitFor('the end of a daemon', () => node.daemons().length === 0)
  await node.start()
}

/** How many neighbours a daemon has, if it answers. A Unix socket is reached from every network namespace. */
const peersOf = (socketPath: string) =>
  new Promise<number | undefined>((resolve) => {
    const asking = get({ socketPath, path: '/status' }, async (response) => {
      const body = await text(response).catch(() => '')
      resolve(response.statusCode === 200 && body ? JSON.parse(body).peers.length : undefined)
    }).on('error', () => resolve(undefined))
    asking.setTimeout(5_000, () => asking.destroy())
  })

/** Inode and ctime of what is whole, by path: any change shows there. */
const whole = new Map<string, string>()
const stateOf = (path: string) => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found ? `${found.ino} ${found.ctimeMs}` : ''
}

function restore(cache: string, packages: Package[]) {
  for (const item of packages) {
    const path = join(cache, item.file)
    if (whole.get(path) === stateOf(path)) continue
    rmSync(path, { force: true })
    cpSync(item.path, path)
    whole.set(path, stateOf(path))
  }
}

/** An empty installation: only databases stay. */
export function emptied(host: Host, keepSync: boolean) {
  const base = join(host.folder, 'pacman')
  for (const name of ['root', 'db/local', 'db/db.lck', ...(keepSync ? [] : ['db/sync'])]) {
    rmSync(join(base, name), { recursive: true, force: true })
  }
  const cache = join(base, 'cache')
  for (const name of existsSync(cache) ? readdirSync(cache) : []) {
    if (name !== 'filler') rmSync(join(cache, name), { recursive: true, force: true })
  }
}

/** The same host with a pacman of another name: two run at once. */
export const besides = (host: Host, name: string): Host => {
  const folder = join(host.folder, name)
  mkdirSync(folder, { recursive: true })
  return { ...host, folder }
}
