// The monitor's wall time as this browser knows it. Ages are differences of the monitor's own times; a laptop whose clock is
// wrong must not make workers look old. A message can only arrive late, so the largest of the recent differences is nearest.
export class ServerClock {
  private readonly recent: number[] = [];
  private offset = 0;

  constructor(private readonly keep = 20) {}

  /** A message stamped `serverMs` by the monitor arrived at `localMs`. */
  learn(serverMs: number | null, localMs: number): void {
    if (serverMs == null) return;
    this.recent.push(serverMs - localMs);
    if (this.recent.length > this.keep) this.recent.shift();
    this.offset = Math.max(...this.recent);
  }

  now(localMs: number): number {
    return localMs + this.offset;
  }
}
