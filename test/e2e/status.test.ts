/** What `pacsrv-xfer status` says while things happen. */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { waitFor } from './commands.ts'
import { type Lab, scenario } from './lab.ts'
import { makePackages } from './packages.ts'
import { createPair } from './pair.ts'

const packages = makePackages([{ name: 'slowly', size: 6_000_000 }])

async function told(lab: Lab) {
  const { asker, holder, mirror } = await createPair(lab, packages, { holderRate: '8mbit' })
  // It joins, and gives little.
  await mirror.behave([{ path: 'slowly', bytesPerSecond: 20_000 }])
  const first = async () => (await asker.node.run(['status'])).stdout.split('\n')[0]!
  assert.is(await first(), 'Idle. 1 neighbour.')

  const watched = watchInTerminal(lab, asker.node.config, asker.host.spawn)
  await waitFor('the first look', () => watched.seen().includes('Idle. 1 neighbour.'))
  const fetching = asker.pacman.run(['-Syw', packages[0]!.name])
  await waitFor('the rate', () =>
    /Fetching 1 package at [\d.]+ [KM]iB\/s from (?:1 peer|\d sources?)/.test(watched.seen()),
  )
  assert.match(await first(), /^Fetching 1 package at [\d.]+ [KM]iB\/s from (?:1 peer|\d sources?)/)
  const outcome = await fetching
  assert.is(outcome.code, 0, outcome.all)
  const saved = /^Idle\. 1 neighbour\. [45]\.\d MiB saved in 30 days\.$/
  assert.match(await first(), saved)
  assert.match(
    (await asker.node.run(['status'])).stdout,
    /^Saved {7}[45]\.\d MiB today, [45]\.\d MiB in 30 days, [45]\.\d MiB ever/m,
  )
  assert.match((await holder.node.run(['status'])).stdout, /^Uploaded {4}[45]\.\d MiB$/m)

  asker.node.signal('SIGTERM')
  await waitFor('its end on the screen', () => /no daemon answers at /.test(watched.screen()))
  await asker.node.start()
  await waitFor('the new one on the screen', () => /Idle\. 1 neighbour\. [45]/.test(watched.screen()))
  assert.is(await watched.interrupt(), 0)
  assert.ok(watched.seen().endsWith('\x1b[?25h\x1b[?1049l'), 'the terminal is as it was')
  for (const block of watched.blocks()) {
    const lines = block.split('\r\n')
    assert.ok(lines.length <= 12, `${lines.length} lines`)
    for (const line of lines) assert.ok([...line.replace(/\x1b\[\w/g, '')].length <= 60, line)
  }

  const piped = await asker.host.exec([
    'sh',
    '-c',
    `'${lab.program}' --config '${asker.node.config}' status --watch | head -n 40`,
  ])
  assert.is(piped.stderr, '')
  assert.not.match(piped.stdout, /\x1b/)
  assert.is(piped.stdout.match(/^Node /gm)!.length >= 2, true, piped.stdout)
  const json = await asker.host.exec([
    'sh',
    '-c',
    `'${lab.program}' --config '${asker.node.config}' status --watch --json | head -n 2`,
  ])
  assert.is(json.stderr, '')
  for (const line of json.stdout.trim().split('\n')) assert.is(JSON.parse(line).peers.length, 1)
}

/** `status --watch` on a terminal of 60 by 12. */
function watchInTerminal(
  lab: Lab,
  config: string,
  spawn: (command: string[], options: object) => import('node:child_process').ChildProcess,
) {
  const command = `stty cols 60 rows 12 -echo; exec '${lab.program}' --config '${config}' status --watch`
  const child = spawn(['script', '-qec', command, join('/dev/null')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { TERM: 'xterm' },
  })
  let seen = ''
  child.stdout!.on('data', (data) => {
    seen += data
  })
  const blocks = () => seen.split('\x1b[H').slice(1)
  return {
    seen: () => seen,
    blocks: () => blocks().map((block) => block.replace('\x1b[?25h\x1b[?1049l', '')),
    screen: () => blocks().at(-1) ?? '',
    interrupt: () =>
      new Promise<number | null>((resolve) => {
        child.once('close', resolve)
        child.stdin!.write('\x03')
      }),
  }
}

scenario('status says what is going on, and --watch shows it, over a restart, until Ctrl-C', told)

test.run()
