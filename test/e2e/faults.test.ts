import { test } from 'uvu'
import { faultScenario, faults } from './faults.ts'

for (const fault of faults) faultScenario(fault, 'pacman 6')

test.run()
