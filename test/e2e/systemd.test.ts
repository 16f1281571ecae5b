import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { boot, whyNoBoot } from './boot.ts'
import { type Outcome, waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import type { Status } from './node.ts'

const KEY = '/var/lib/pacsrv.key'
/** All that a sandbox could keep from the daemon. */
const CONFIG = `[network]
dht = yes
dht-bootstrap = 127.0.0.1:1
key-file = ${KEY}
`

const NAME =
  'systemd runs the units, sandbox and all: LAN, DHT, a key, socket activation, the restart after an upgrade'
const why = whyNoBoot()
if (why) {
  console.log(`skipped: ${NAME}: ${why}`)
  test.skip(NAME, () => {})
} else scenario(NAME, bootAndLook, ['systemd'])

async function bootAndLook(lab: Lab): Promise<void> {
  const host = lab.host('booted')
  const config = join(lab.folder, 'pacsrv.conf')
  writeFileSync(config, CONFIG, { mode: 0o644 })
  const run = await boot(lab, host, config)
  const must = async (...command: string[]) => {
    const outcome = await run(...command)
    assert.is(outcome.code, 0, `${command.join(' ')}: ${outcome.all}`)
    return outcome.stdout
  }
  const asNobody = ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups']
  const status = async (): Promise<Status | undefined> => {
    const { code, stdout } = await run(...asNobody, 'pacsrv-xfer', 'status', '--json')
    return code === 0 ? JSON.parse(stdout) : undefined
  }
  await must('sh', '-c', `install -m 640 -g pacsrv /dev/null ${KEY} && openssl rand -hex 32 >${KEY}`)
  await must('systemctl', 'start', 'pacsrv.socket', 'pacsrv-webhost.service')
  assert.is((await run('systemctl', 'is-active', 'pacsrv.service')).stdout.trim(), 'inactive')
  const first = await waitFor('the daemon that the socket starts', status)
  assert.is(first.node.listen, '[::]:8048')
  const bound = await waitFor('mDNS and the DHT', async () => {
    const sockets = await must('cat', '/proc/net/udp', '/proc/net/udp6')
    return /:14E9 /.test(sockets) && /:1F70 /.test(sockets) && sockets
  })
  assert.ok(bound)
  const logNow = () => must('cat', '/var/log/pacsrv.log')
  const log = await logNow()
  assert.match(log, /a closed network/)
  assert.not.match(log, /"level":[456]0/)
  await waitFor(
    'the webhost',
    async () => (await run('curl', '-s', 'http://127.0.0.1:8050/announce')).stdout !== '',
  )

  await assertBounded(first.node.pid, must, run)

  const upgraded = await run('/usr/share/libalpm/scripts/pacsrv-restart')
  assert.equal([upgraded.code, upgraded.all], [0, ''])
  await waitFor('the new daemon', async () => {
    const now = await status()
    return now !== undefined && now.node.pid !== first.node.pid && now.node.id === first.node.id
  })
  await reloadAndRestart()
  await must('systemctl', 'stop', 'pacsrv.service', 'pacsrv.socket')
  assert.is(await status(), undefined)

  async function reloadAndRestart() {
    const before = (await status())!
    const write = (line: string) =>
      must('sh', '-c', `printf '%s\\n' "$1" >/etc/pacsrv.conf`, 'sh', `${CONFIG}${line}`)
    await write('upload-limit = 1M')
    await must('systemctl', 'reload', 'pacsrv.service')
    await waitFor('the reload', async () => /"applied":\["\[network\] upload-limit"\]/.test(await logNow()))

    await write('ttl = many')
    const reloaded = await run('systemctl', 'reload', 'pacsrv.service')
    assert.is.not(reloaded.code, 0, 'the mistake is told')
    await must('systemctl', 'kill', '--signal=HUP', '--kill-who=main', 'pacsrv.service')
    // Not by pacsrv-xfer, which reads that configuration too, and refuses it.
    const ask = ['curl', '-s', '--unix-socket', '/run/pacsrv/pacsrv.sock', 'http://localhost/status']
    const kept = await waitFor('the problem', async () => {
      const now: Status = JSON.parse(await must(...ask))
      return now.problems.some(({ code }) => code === 'config') && now
    })
    assert.is(kept.node.pid, before.node.pid)
    const restarted = await run('systemctl', 'restart', 'pacsrv.service')
    assert.is.not(restarted.code, 0, 'a failed start is a failed start')

    await write('')
    await must('systemctl', 'reset-failed', 'pacsrv.service')
    await must('systemctl', 'restart', 'pacsrv.service')
    const shown = await must('systemctl', 'show', '-p', 'StatusText', 'pacsrv.service')
    assert.match(shown, before.node.id.slice(0, 16))
  }
}

/** The unit's sandbox, as the kernel has it for the daemon. */
async function assertBounded(
  pid: number,
  must: (...command: string[]) => Promise<string>,
  run: (...command: string[]) => Promise<Outcome>,
): Promise<void> {
  const facts = await must('cat', `/proc/${pid}/status`)
  assert.match(facts, /^NoNewPrivs:\t1$/m)
  assert.match(facts, /^Seccomp:\t2$/m)
  for (const set of ['Bnd', 'Eff', 'Prm', 'Inh', 'Amb'])
    assert.match(facts, new RegExp(`^Cap${set}:\t0+$`, 'm'))
  const limits = await must('cat', `/proc/${pid}/limits`)
  assert.match(limits, /^Max open files +4096 +4096 /m)
  assert.match(limits, /^Max core file size +0 +0 /m)
  const inside = ['nsenter', '--target', String(pid), '--mount', '--root']
  for (const folder of [
    '/var/lib/pacsrv',
    '/var/cache/pacsrv',
    '/run/pacsrv',
    '/tmp',
    '/var/tmp',
    '/dev/shm',
  ]) {
    const own = `${folder}/program`
    await must(...inside, 'cp', '/usr/bin/true', own)
    assert.is((await run(...inside, own)).code, 126, `it may write ${own}, and not run it`)
    await must(...inside, 'rm', own)
  }
  assert.is((await run(...inside, '/usr/bin/curl', '--version')).code, 0)
  for (const path of ['/etc/x', '/usr/x', '/var/cache/pacman/x']) {
    assert.not.equal((await run(...inside, 'touch', path)).code, 0, path)
  }
  assert.is((await run(...inside, 'touch', '/var/cache/pacsrv/x')).code, 0)
}

test.run()
