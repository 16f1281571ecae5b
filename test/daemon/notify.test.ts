import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { notifyReady } from '../../src/daemon/notify.ts'

test('systemd is told where it asks, and nobody else after that', async () => {
  const told: unknown[] = []
  const env: NodeJS.ProcessEnv = { NOTIFY_SOCKET: '/run/systemd/notify' }
  const run = async (...what: unknown[]) => void told.push(what)
  await notifyReady(env, 'node ab', run)
  assert.equal(told, [[['--ready', '--status=node ab'], '/run/systemd/notify']])
  assert.equal(env, {})
  await notifyReady(env, 'node ab', run)
  assert.is(told.length, 1)
})

test.run()
