/** Time of processor of the event loop's own thread: on a busy machine, time by the clock says little. */
import { readFileSync } from 'node:fs'

/** Milliseconds so far; `undefined` where the system does not tell. */
export function loopThreadMs(): number | undefined {
  try {
    // The first thread of a process has its id (proc_pid_schedstat): nanoseconds on a processor.
    const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8')
    return Number(text.split(' ')[0]) / 1e6
  } catch {
    return undefined
  }
}
