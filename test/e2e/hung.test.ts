/** A daemon that is there and gives nothing costs a transaction next to nothing; one that is only slow is waited for. */
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { createMirror, type Mirror } from './mirror.ts'
import { createNode, type PacsrvNode } from './node.ts'
import { makePackages } from './packages.ts'
import { createPacman } from './pacman.ts'

/** What all of them together may cost, in seconds. */
const MOST_SECONDS = 3
const packages = makePackages(Array.from({ length: 50 }, (_, n) => ({ name: `hung${n}`, size: 30_000 })))
const BY_ITSELF = /: [\d.]+ \w+ from the mirror$/gm

async function createHung(lab: Lab) {
  const mirror = await createMirror(lab.host('mirror'))
  mirror.publish('lab', packages)
  const host = lab.host('asker')
  const preload = join(lab.folder, 'spin.cjs')
  copyFileSync(join(import.meta.dirname, 'spin.cjs'), preload)
  const attached = { client: ['start = no'] }
  const env = { NODE_OPTIONS: `--require ${preload}` }
  const node = createNode(lab, host, join(host.folder, 'pacman.conf'), attached, env)
  const pacman = createPacman(host, {
    repositories: { lab: [`${mirror.url}/lab`] },
    options: [`XferCommand = ${node.xferCommand}`],
  })
  copyFileSync(join(mirror.folder, 'lab/lab.db'), join(pacman.sync, 'lab.db'))
  const fetchAll = async (count: number, meanwhile = async () => {}) => {
    for (const name of readdirSync(pacman.cache)) rmSync(join(pacman.cache, name))
    const names = packages.slice(0, count).map(({ name }) => name)
    const [outcome] = await Promise.all([pacman.run(['-Sw', ...names]), meanwhile()])
    assert.is(outcome.code, 0, outcome.all)
    assert.is(readdirSync(pacman.cache).length, count)
    return { ...outcome, alone: outcome.all.match(BY_ITSELF)?.length ?? 0 }
  }
  return { mirror, host, node, fetchAll }
}

type Ail = (node: PacsrvNode, mirror: Mirror, lab: Lab) => Promise<void>
const AILMENTS: Record<string, { before?: Ail; meanwhile?: Ail }> = {
  'is stopped': { before: async (node) => node.signal('SIGSTOP') },
  'is stopped in the middle of a file': {
    before: (_, mirror) => mirror.behave([{ path: 'hung0-', bytesPerSecond: 2_000 }]),
    async meanwhile(node, mirror) {
      await waitFor('the mirror asked', async () =>
        (await mirror.log()).some(({ path }) => path.includes('hung0-')),
      )
      node.signal('SIGSTOP')
      await mirror.behave([])
    },
  },
  spins: { before: async (node) => node.signal('SIGUSR2') },
  'has left its socket': {
    async before(node) {
      node.signal('SIGKILL')
      await waitFor('its end', () => node.daemons().length === 0)
    },
  },
  'has no room': {
    before: async (node, _, lab) => lab.mount(node.spool, '-t', 'tmpfs', '-o', 'size=8k,mode=777', 'none'),
  },
}

for (const [ailment, { before, meanwhile }] of Object.entries(AILMENTS)) {
  scenario(
    `a daemon that ${ailment}: 50 files cost at most ${MOST_SECONDS} s more than without one`,
    async (lab) => {
      const { mirror, node, fetchAll } = await createHung(lab)
      const without = await fetchAll(50)
      await node.start()
      await mirror.clearLog()
      await before?.(node, mirror, lab)
      const { seconds } = await fetchAll(50, async () => meanwhile?.(node, mirror, lab))
      lab.note(`50 files: ${seconds.toFixed(2)} s, without a daemon ${without.seconds.toFixed(2)} s`)
      assert.ok(seconds < without.seconds + MOST_SECONDS, `${seconds} s instead of ${without.seconds} s`)
      node.signal('SIGKILL')
    },
  )
}

scenario(
  'a daemon that is slow, since the machine is, is waited for: nothing is fetched twice',
  async (lab) => {
    const { mirror, host, node, fetchAll } = await createHung(lab)
    await node.start()
    await mirror.clearLog()
    // Two loops on its processor leave it some two parts of a hundred.
    const burners = [1, 2].map(() => host.spawn(['taskset', '-c', '0', 'sh', '-c', 'while :; do :; done']))
    try {
      for (const pid of node.daemons()) {
        await host.exec(['taskset', '-a', '-c', '-p', '0', String(pid)])
        // The second: where the kernel shares among sessions first.
        await host.exec([
          'sh',
          '-c',
          `renice -n 14 -p $(ls /proc/${pid}/task); echo 14 >/proc/${pid}/autogroup`,
        ])
      }
      const { seconds, alone } = await fetchAll(12)
      lab.note(`12 files by a starved daemon: ${seconds.toFixed(1)} s, ${alone} fetched by the front itself`)
      assert.is(alone, 0)
      const got = (await mirror.log()).filter(({ path }) => path.includes('.zst')).map(({ path }) => path)
      assert.equal(got.length, new Set(got).size, 'a file was fetched twice')
    } finally {
      for (const burner of burners) burner.kill('SIGKILL')
    }
  },
)

test.run()
