import { readFileSync, rmSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { scenario } from './lab.ts'
import { createLone } from './lone.ts'

scenario('two clients at once start only one daemon', async (lab) => {
  const { packages, node, server, out } = await createLone(lab)
  const outcomes = await Promise.all(
    packages.map((item) => node.run([`${server}/${item.file}`, join(out, item.name)])),
  )
  for (const [n, item] of packages.entries()) {
    assert.is(outcomes[n]!.code, 0, outcomes[n]!.all)
    assert.equal(readFileSync(join(out, item.name)), readFileSync(item.path))
  }
  await node.until('a daemon', () => true)
  assert.is(node.daemons().length, 1)
  assert.is((await node.status()).node.pid, node.daemons()[0])
  const owner = await node.run(['status'])
  assert.is(owner.code, 0)

  const second = await node.run(['daemon'], { timeout: 10 })
  assert.is(second.code, 0, second.all)
  assert.is(second.all.trim().split('\n').length, 1, second.all)
  assert.is(node.daemons().length, 1)
})

scenario('an environment of nothing', async (lab) => {
  const { packages, node, server, out } = await createLone(lab)
  const item = packages[0]!
  for (const name of ['first', 'second']) {
    const outcome = await node.run([`${server}/${item.file}`, join(out, name)], {
      inside: ['/usr/bin/env', '-i'],
    })
    assert.is(outcome.code, 0, outcome.all)
    assert.equal(readFileSync(join(out, name)), readFileSync(item.path))
  }
})

scenario('with no daemon, status says so in one line and announce is silent', async (lab) => {
  const { node } = await createLone(lab)
  const status = await node.run(['status'])
  assert.is(status.code, 1)
  assert.is(status.stderr.trim().split('\n').length, 1, status.stderr)
  assert.is(status.stdout, '')
  const announce = await node.run(['announce'])
  assert.is(announce.code, 0)
  assert.is(announce.all, '')
  assert.ok(announce.seconds < 3, `${announce.seconds} s`)
  for (const words of [['--help'], ['--version']]) {
    const outcome = await node.run(words)
    assert.is(outcome.code, 0, outcome.all)
    assert.match(outcome.stdout, /\S/)
  }
})

for (const [columns, item] of [
  [80, 'large'],
  [40, 'lib+c++'],
] as const) {
  scenario(`progress keeps to a terminal of ${columns} columns`, async (lab) => {
    const { mirror, packages, host, node, server, out } = await createLone(lab)
    await node.start()
    const wanted = packages.find((each) => each.name === item)!
    await mirror.behave([{ path: wanted.file, bytesPerSecond: wanted.size }])
    const target = join(out, `${wanted.file}.part`)
    const command = `stty cols ${columns} rows 24; exec '${lab.program}' --config '${node.config}' '${server}/${wanted.file}' '${target}'`
    const outcome = await host.exec(['script', '-qec', command, '/dev/null'])
    assert.is(outcome.code, 0, outcome.all)
    const plain = outcome.stdout.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
    const drawn = plain.split(/[\r\n]+/).filter((line) => /\d%\s*$/.test(line))
    assert.ok(drawn.length >= 3, `${drawn.length} updates in a second: ${outcome.stdout}`)
    for (const line of drawn) assert.ok([...line].length <= columns, `${[...line].length}: ${line}`)
    assert.match(drawn.at(-1)!, /100%/)
    assert.equal(readFileSync(target), readFileSync(wanted.path))
  })
}

/** Digits that depend on the machine's speed are `9`. */
const masked = (text: string) =>
  text.replaceAll(/ {2} *[\d.]+ +([KMG]i)?B\/s \d\d:\d\d/g, '  9.99 KiB/s 99:99').trimEnd()

for (const [columns, last] of [
  [80, ' lab                   500.0 KiB  9.99 KiB/s 99:99 [######################] 100%'],
  [40, ' lab                    500.0 KiB 100%'],
] as const) {
  scenario(`pacman -Sy on a terminal of ${columns} columns: as pacman itself shows it`, async (lab) => {
    const { mirror, host, pacman } = await createLone(lab)
    const path = join(mirror.folder, 'lab/lab.db')
    // What follows a tar's end is nobody's business.
    truncateSync(path, 512_000)
    await mirror.behave([{ path: 'lab.db', bytesPerSecond: 512_000 }])
    rmSync(join(pacman.sync, 'lab.db'))
    const inTerminal = async () => {
      const command = `stty cols ${columns} rows 24; exec pacman --config '${pacman.config}' -Sy`
      const outcome = await host.exec(['script', '-qec', command, '/dev/null'])
      assert.is(outcome.code, 0, outcome.all)
      return outcome.stdout.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '').split(/\r?\n/)
    }
    const [title, drawn, ...rest] = await inTerminal()
    assert.equal([title, ...rest], [':: Synchronizing package databases...', ''])
    const states = drawn!.split('\r')
    assert.ok(states.length >= 3, `${states.length} states in a second: ${drawn}`)
    for (const state of states) assert.ok(state.length <= columns, state)
    assert.is(masked(states.at(-1)!), last)
    assert.match(await host.exec(['ls', pacman.sync]).then(({ all }) => all), /^lab\.db\n$/)
    assert.equal(await inTerminal(), [title, ' lab is up to date', ''])
  })
}

scenario('progress is one plain line on a pipe', async (lab) => {
  const { packages, node, server, out } = await createLone(lab)
  await node.start()
  const outcome = await node.run([`${server}/${packages[2]!.file}`, join(out, `${packages[2]!.file}.part`)])
  assert.is(outcome.code, 0)
  assert.match(outcome.all, /^[^\r\n\x1b]*large[^\r\n\x1b]*\n$/)
})

test.run()
