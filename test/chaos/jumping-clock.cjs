/**
 * Loaded into a daemon by NODE_OPTIONS. On SIGUSR2 its clocks jump by what the file PACSRV_LAB_JUMP says: two numbers,
 * milliseconds for the time of day (either way) and for the time since the start (never back, as after a suspended VM).
 */
const { readFileSync } = require('node:fs')
const { performance } = require('node:perf_hooks')
const { isMainThread } = require('node:worker_threads')

let day = 0
let running = 0
const today = Date.now.bind(Date)
const now = performance.now.bind(performance)
Date.now = () => today() + day
performance.now = () => now() + running
if (isMainThread) {
  process.on('SIGUSR2', () => {
    const [a, b] = readFileSync(process.env.PACSRV_LAB_JUMP, 'utf8').split(' ').map(Number)
    day += a
    running += b
  })
}
