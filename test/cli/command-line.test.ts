import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { checkWords, parseCommandLine } from '../../src/cli/command-line.ts'
import { commandHelp, commands } from '../../src/cli/commands.ts'

test('options and words', () => {
  const { values, words } = parseCommandLine(['--config', 'x', 'find', 'zlib', '--json'])
  assert.equal({ ...values }, { config: 'x', json: true })
  assert.equal(words, ['find', 'zlib'])
})

for (const [args, problem] of [
  [['--frob'], 'there is no option --frob'],
  [['-x'], 'there is no option -x'],
  [['status', '--frob=1'], 'there is no option --frob'],
  [['--config'], '--config needs a value: --config FILE'],
  [['webhost', '--listen'], '--listen needs a value: --listen ADDRESS:PORT'],
  [['--listen', '--json'], '--listen needs a value: --listen ADDRESS:PORT'],
  [['status', '--json=yes'], '--json takes no value'],
] as const) {
  test(`${args.join(' ')}: ${problem}`, () => {
    assert.throws(
      () => parseCommandLine([...args]),
      (error: Error) => error.message === `${problem}; see pacsrv-xfer --help`,
    )
  })
}

test('what the table of commands has not is told, with where to read on', () => {
  const refuses = (word: 'find' | 'status', rest: string[], values: object, message: string) =>
    assert.throws(
      () => checkWords(word, rest, values),
      (error: Error) => error.message === message,
    )
  refuses('find', [], {}, 'find needs a PACKAGE; see pacsrv-xfer find --help')
  refuses('find', ['a', 'b'], {}, '"b" is one word too many; see pacsrv-xfer find --help')
  refuses('status', [], { listen: 'x' }, "--listen doesn't go with status; see pacsrv-xfer status --help")
})

test('each command has a help of its own, in plain text', () => {
  for (const name of Object.keys(commands) as (keyof typeof commands)[]) {
    const text = commandHelp(name)
    assert.match(text, `usage: pacsrv-xfer [--config FILE] ${name}`)
    assert.not.match(text, '**')
    for (const option of commands[name].options) assert.match(text, `  --${option}`)
  }
})

test.run()
