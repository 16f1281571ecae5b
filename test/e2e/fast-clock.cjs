/** Loaded into a daemon by NODE_OPTIONS: its minutes pass in PACSRV_LAB_SPEED-ths, for tests of long pauses. */
const { performance } = require('node:perf_hooks')

const speed = Number(process.env.PACSRV_LAB_SPEED)
const now = performance.now.bind(performance)
const later = globalThis.setTimeout
performance.now = () => now() * speed
globalThis.setTimeout = (action, ms, ...rest) => later(action, ms / speed, ...rest)
