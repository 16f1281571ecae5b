import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLoggers } from '../../src/daemon/loggers.ts'

function setUp() {
  const lines: Record<string, unknown>[] = []
  const { logOf, setLevels } = createLoggers(
    { level: 'warn', components: { downloads: 'debug', lan: 'error' } },
    { format: 'json' },
    { write: (line) => void lines.push(JSON.parse(line)) },
  )
  return { lines, logOf, setLevels }
}

test('each component says as much as its own level lets it, or else the one for all', () => {
  const { lines, logOf } = setUp()
  for (const component of ['downloads', 'overlay', 'lan'] as const) {
    const log = logOf(component)
    log.debug({}, 'debug')
    log.warn({}, 'warn')
    log.error({}, 'error')
  }
  assert.equal(
    lines.map(({ component, msg }) => `${component} ${msg}`),
    ['downloads debug', 'downloads warn', 'downloads error', 'overlay warn', 'overlay error', 'lan error'],
  )
})

test("a child keeps its component's level, and its fields lie flat beside the component", () => {
  const { lines, logOf } = setUp()
  logOf('overlay').child({ file: 'x' }).debug({}, 'unsaid')
  logOf('downloads').child({ file: 'x' }).debug({ size: 1 }, 'begins')
  assert.is(lines.length, 1)
  const { component, file, size } = lines[0]!
  assert.equal({ component, file, size }, { component: 'downloads', file: 'x', size: 1 })
})

test('levels that are set anew hold for loggers that are there', () => {
  const { lines, logOf, setLevels } = setUp()
  const [downloads, lan] = [logOf('downloads'), logOf('lan')]
  setLevels({ level: 'error', components: { lan: 'debug' } })
  downloads.warn({}, 'unsaid')
  lan.debug({}, 'said')
  logOf('overlay').warn({}, 'unsaid')
  assert.equal(
    lines.map(({ msg }) => msg),
    ['said'],
  )
})

test('as text a line has its priority', () => {
  const lines: string[] = []
  const levels = { level: 'info', components: {} } as const
  const { logOf } = createLoggers(levels, { format: 'text' }, { write: (line) => void lines.push(line) })
  logOf('lan').warn({ n: 1 }, 'hello')
  assert.equal(lines, ['<4>lan: hello n=1\n'])
})

test.run()
