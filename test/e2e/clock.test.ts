/** Machines whose clocks are two days off, either way. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { makePackages } from './packages.ts'
import { createPair } from './pair.ts'

const LIBRARY = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1'
const clockOff = (days: number) => ({
  LD_PRELOAD: LIBRARY,
  FAKETIME: `${days < 0 ? '' : '+'}${days}d`,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  NO_FAKE_STAT: '1',
})

for (const days of [-2, 2]) {
  scenario(
    `a clock that is ${days} days off: databases are refreshed, peers give`,
    async (lab: Lab) => {
      const packages = makePackages(
        [30_000, 400_000, 900_000].map((size, n) => ({ name: `clock${n}`, size })),
      )
      const { asker, mirror } = await createPair(lab, packages, {
        unstarted: true,
        asker: { mirror: ['delay = 2s'] },
      })
      const { host, node } = asker
      // Not by root: it would hand on nothing of this environment.
      host.spawn(
        [
          ...['setpriv', '--reuid', 'nobody', '--clear-groups', 'env'],
          ...Object.entries(clockOff(days)).map(([key, value]) => `${key}=${value}`),
          ...[lab.program, '--config', node.config, 'daemon'],
        ],
        { detached: true },
      )
      await waitFor('the daemon', async () => (await node.run(['status'])).code === 0)
      await node.until('the holder', (status) => status.peers.length === 1)
      const env = clockOff(days)
      for (const words of [['-Sy'], ['-Sy', ...packages.map(({ name }) => name)]]) {
        const outcome = await asker.pacman.run(words, { env })
        assert.is(outcome.code, 0, outcome.all)
        assert.ok(outcome.seconds < 10, `${outcome.seconds} s`)
      }
      const databases = (await mirror.log()).filter(({ path }) => path.endsWith('.db'))
      const { fromPeers, fromMirror } = (await node.status()).totals
      const said = databases.map(({ status }) => status).join(' ')
      lab.note(`${days} d: databases ${said}; ${fromPeers} bytes from peers, ${fromMirror} from the mirror`)
      assert.is(said, '200 304')
      assert.ok(fromPeers > 1_000_000)
    },
    ['faketime'],
  )
}

test.run()
