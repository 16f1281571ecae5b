import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { terminalText } from '../../src/base/terminal-text.ts'

test('control characters are shown as what they are not; lines, tabs and letters stay', () => {
  assert.is(terminalText('\x1b]0;x\x07 \x9b2J \r\x7f\0 \x1f \x80'), '?]0;x? ?2J ??? ? ?')
  assert.is(terminalText('a line\n\tanother, “zażółć”\xa0~'), 'a line\n\tanother, “zażółć”\xa0~')
})

test.run()
