import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { type Config, parseConfig } from '../../src/base/config.ts'
import { silentLog } from '../../src/base/log.ts'
import { createProblems } from '../../src/base/problems.ts'
import { changedKeys, createReload } from '../../src/daemon/reload.ts'
import { createClock } from '../clock.ts'

const parse = (text: string) => parseConfig(text, '/etc/pacsrv.conf')

function setUp(text: string) {
  const file = { text }
  const applied: Config[] = []
  const problems = createProblems(createClock())
  const read = () => parse(file.text)
  const reload = createReload(
    { read, apply: (config) => void applied.push(config), problems, log: silentLog },
    read(),
  )
  return { file, applied, problems, reload }
}

test('limits, log level, [direct] and webhosts take effect at once, all else is named', () => {
  const after = `[daemon]\nlog-level = debug\n[network]\nupload-limit = 1M\ndownload-limit = 1M\nttl = 3
    webhost = http://a\nallow = 10.0.0.0/8\n[direct]\nserver = a:1\n[mirror]\ndelay = 1s\n[client]\nstart = no`
  assert.equal(changedKeys(parse(''), parse(after)), {
    live: [
      '[daemon] log-level',
      '[network] webhost',
      '[network] upload-limit',
      '[network] download-limit',
      '[direct] server',
    ],
    fixed: ['[network] ttl', '[network] allow', '[mirror] delay'],
  })
})

test('a configuration with a mistake leaves the one before, and is a problem until it is mended', () => {
  const { file, applied, problems, reload } = setUp('')
  file.text = '[network]\nttl = many'
  reload()
  assert.equal(applied, [])
  assert.match(problems.all()[0]!.problem, /the one before stays: \/etc\/pacsrv\.conf, line 2: ttl must be/)
  file.text = '[network]\nupload-limit = 1M'
  reload()
  assert.is(applied[0]?.network['upload-limit'], 1024 ** 2)
  assert.equal(problems.all(), [])
})

test('what takes a restart is a problem until it is as at the start', () => {
  const { file, problems, reload } = setUp('[network]\nttl = 5')
  file.text = '[network]\nttl = 6\nlan = no'
  reload()
  assert.is(
    problems.all()[0]?.problem,
    '[network] ttl, [network] lan have changed and take effect only after a restart.',
  )
  file.text = '[network]\nttl = 6'
  reload()
  assert.is(problems.all()[0]?.problem, '[network] ttl has changed and takes effect only after a restart.')
  file.text = '[network]\nttl = 5'
  reload()
  assert.equal(problems.all(), [])
})

test.run()
